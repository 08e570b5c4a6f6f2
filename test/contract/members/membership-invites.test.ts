import { verifyEvent } from "nostr-tools/pure";
import { expect, test } from "vitest";
import { alice, bob, key, now, unique } from "../../support/keys.ts";
import {
  answer,
  codeFor,
  INVALID_CODE,
  INVITE,
  join,
  joining,
  leaving,
  memberRelay,
  operator,
  type PlainEvent,
  self,
  WELCOME,
} from "../../support/member-relay.ts";
import { countOf, enlist, lookUp, storedEvents } from "../../support/stock.ts";

/** Kind and claim of the events that answer these filters. */
async function answered(client: Awaited<ReturnType<typeof operatorOf>>, ...filters: unknown[]): Promise<number[]> {
  return ((await client.query(...filters)) as unknown as PlainEvent[]).map(({ kind }) => kind);
}

const operatorOf = (relay: Awaited<ReturnType<typeof memberRelay>>) => relay.login(operator);

const invites = (relay: Awaited<ReturnType<typeof memberRelay>>) =>
  lookUp(relay, "SELECT count(*) FROM access WHERE list = 'invite'");

test("R-05-67 an invite is made for who asks and may invite: signed by the relay, not stored, not counted, not sent live", async () => {
  const relay = memberRelay();
  const [o, watcher, a] = [await operatorOf(relay), await operatorOf(relay), await relay.login(alice)];
  await watcher.req("live", { kinds: [INVITE] });
  const { events, end } = await o.req("invite", { kinds: [INVITE] });
  expect(end[0]).toBe("EOSE");
  const [event] = events as unknown as PlainEvent[];
  expect(event).toMatchObject({ pubkey: self.pubkey, kind: INVITE, content: "" });
  expect(event?.tags).toEqual([["-"], ["claim", expect.stringMatching(/^[0-9a-f]{32}$/)]]);
  expect(Math.abs((event?.created_at ?? 0) - now())).toBeLessThan(60);
  expect(verifyEvent(event as never)).toBe(true);
  expect(await a.query({ kinds: [INVITE] })).toEqual([]);
  expect(await countOf(o, { kinds: [INVITE] })).toBe(0);
  expect(await watcher.settled()).toEqual([]);
  expect(await o.query({ ids: [event?.id] })).toEqual([]);
  // The list of members is all there is.
  expect(await storedEvents(relay)).toBe(1);
});

test("R-05-67 only a filter that names the kind asks for an invite; other filters work as usual", async () => {
  const relay = memberRelay();
  const o = await operatorOf(relay);
  const notes = [unique(operator, { created_at: 1000 }), unique(operator, { created_at: 999 })];
  for (const note of notes) await o.publish(note);
  const asking: [number[], ...unknown[]][] = [
    [[INVITE], { kinds: [INVITE], authors: [self.pubkey] }],
    [[INVITE], { kinds: [INVITE], authors: [self.pubkey, alice.pubkey], limit: 1 }],
    [[INVITE], { kinds: [INVITE] }, { kinds: [INVITE], since: 1 }],
    [[INVITE, 1, 1], { kinds: [INVITE, 1] }],
    [[INVITE, 1], { kinds: [INVITE, 1], limit: 2 }],
    [[INVITE], { kinds: [INVITE, 1], limit: 1 }],
    [[INVITE, 1], { kinds: [INVITE], limit: 1 }, { kinds: [1], limit: 1 }],
    [[], { kinds: [INVITE], authors: [alice.pubkey] }],
    [[], { kinds: [INVITE], limit: 0 }],
    [[], { kinds: [INVITE], ids: [alice.pubkey] }],
    [[], { kinds: [INVITE], "#p": [alice.pubkey] }],
    [[], { kinds: [INVITE], until: 1000 }],
    [[], { kinds: [INVITE], search: "claim" }],
    [[1, 1], { authors: [operator.pubkey] }],
    [[], { authors: [self.pubkey], kinds: [1] }],
  ];
  for (const [kinds, ...filters] of asking) expect([filters, await answered(o, ...filters)]).toEqual([filters, kinds]);
  expect(await invites(relay)).toBe(asking.filter(([kinds]) => kinds.includes(INVITE)).length);
});

test("R-05-67 every request gets a fresh code, and all of them are good until they expire", async () => {
  const relay = memberRelay({ INVITE_USES: "2", INVITE_TTL: "1000" });
  const at = now();
  relay.setTime(at);
  const o = await operatorOf(relay);
  const [first, second] = [await codeFor(o), await codeFor(o)];
  await relay.restart();
  relay.setTime(at + 500);
  const third = await codeFor(o);
  expect(new Set([first, second, third]).size).toBe(3);
  for (const [by, code] of [
    [alice, second],
    [bob, first],
    [key(2001), second],
    [key(2002), third],
  ] as const) {
    await join(await relay.login(by), by, code);
  }
  expect(await invites(relay)).toBe(3);
  // What has expired is gone with the next invite.
  relay.setTime(at + 1000);
  await codeFor(o);
  expect(await invites(relay)).toBe(2);
});

test("R-05-67 no admin has more than twenty codes, no member more than four: one that is used up gives way, else the oldest that nobody used", async () => {
  const relay = memberRelay({ INVITE_USES: "2", INVITE_ACCESS: "members" });
  const at = now();
  await enlist(relay, ["member", bob.pubkey, "[]"]);
  const o = await operatorOf(relay);
  relay.setTime(at - 1);
  const b = await relay.login(bob);
  for (let i = 0; i < 5; i++) await codeFor(b);
  const ofBob = await codeFor(b);
  const codes: string[] = [];
  for (let i = 0; i < 20; i++) {
    relay.setTime(at + i);
    codes.push(await codeFor(o));
  }
  const [first = "", second = "", third = "", fourth = ""] = codes;
  const enter = async (n: number, code: string) => answer(await relay.login(key(n)), joining(key(n), code));
  // Of the first one use is left, of the third none.
  for (const [n, code] of [first, third, third].entries()) expect(await enter(2000 + n, code)).toEqual(WELCOME);
  await relay.restart();
  const fresh = [await codeFor(o), await codeFor(o)];
  expect(await invites(relay)).toBe(24);
  expect(await enter(2010, third)).toEqual(INVALID_CODE);
  expect(await enter(2011, second)).toEqual(INVALID_CODE);
  for (const [n, code] of [first, fourth, ...fresh, ofBob].entries())
    expect(await enter(2020 + n, code)).toEqual(WELCOME);
});

test("R-05-67 with INVITE_ACCESS=members members invite, while they are members", async () => {
  const relay = memberRelay({ INVITE_ACCESS: "members" });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  expect(await a.query({ kinds: [INVITE] })).toEqual([]);
  await join(a, alice, await relay.code());
  await relay.restart();
  await join(b, bob, await codeFor(a));
  expect(await codeFor(b)).not.toBe(await codeFor(a));
  // Members have four codes at most, so that the list has room for those of all.
  const codes = new Set<string>();
  const before = await invites(relay);
  for (let i = 0; i < 10; i++) codes.add(await codeFor(b));
  expect(codes.size).toBe(10);
  expect(await invites(relay)).toBe(before - 1 + 4);
  await b.publish(leaving(bob));
  expect(await b.query({ kinds: [INVITE] })).toEqual([]);
});
