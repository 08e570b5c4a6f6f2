import { verifyEvent } from "nostr-tools/pure";
import { expect } from "vitest";
import { alice, bob, now, unique } from "./keys.ts";
import { caller } from "./manage.ts";
import {
  ADDED,
  answer,
  INVALID_CODE,
  join,
  joining,
  LIST,
  leaving,
  type MemberRelay,
  memberRelay,
  membersOf,
  operator,
  type PlainEvent,
  REMOVED,
  self,
  WELCOME,
} from "./member-relay.ts";
import { verdict } from "./stock.ts";

// Sessions of members that also hold where the relay loses its memory in between: `pause` is called at those moments.

type Pause = (relay: MemberRelay) => void | Promise<void>;

/** R-05-64: ten wrong codes of a connection, and no further one for a minute. */
export async function guessCodes(pause: Pause): Promise<void> {
  const relay = memberRelay();
  const code = await relay.code();
  const at = now();
  relay.setTime(at);
  const a = await relay.login(alice);
  for (let i = 0; i < 10; i++) {
    if (i === 5) await pause(relay);
    expect(await answer(a, joining(alice, `guess ${i}`))).toEqual(INVALID_CODE);
  }
  await pause(relay);
  const [accepted, text] = await answer(a, joining(alice, code));
  expect([accepted, text]).toEqual([false, expect.stringMatching(/^rate-limited: .*invite code, retry=60$/)]);
  // Others are served meanwhile, and so is everything else.
  const b = await relay.login(bob);
  expect(await answer(b, joining(bob, "guess"))).toEqual(INVALID_CODE);
  expect(verdict(await a.publish(unique(alice)))).toEqual([true, ""]);
  relay.setTime(at + 60);
  expect(await answer(a, joining(alice, code))).toEqual(WELCOME);
}

/** R-05-65: a member leaves, and another is banned; their subscriptions end at once. */
export async function leaveAndBan(pause: Pause): Promise<void> {
  const relay = memberRelay({ READ_ACCESS: "members", WRITE_ACCESS: "members" });
  const one = await relay.login(alice);
  expect((await one.req("early", { kinds: [1] })).end).toEqual([
    "CLOSED",
    "early",
    expect.stringMatching(/^restricted: /),
  ]);
  expect(verdict(await one.publish(unique(alice)))).toEqual([false, "restricted"]);
  await join(one, alice, await relay.code());
  const two = await relay.login(alice);
  const [b, both] = [await relay.login(bob), await relay.login(alice, bob)];
  await join(b, bob, await relay.code());
  for (const client of [one, two, b, both]) {
    expect((await client.req("live", { kinds: [1] })).end[0]).toBe("EOSE");
  }
  await pause(relay);
  const closed = ["CLOSED", "live", "restricted: only members may read from this relay, join with an invite code"];
  expect(await answer(one, leaving(alice))).toEqual([true, "info: you have left this relay"]);
  const event = unique(bob);
  expect(verdict(await b.publish(event))).toEqual([true, ""]);
  expect(await one.next()).toEqual(closed);
  expect(await two.next()).toEqual(closed);
  expect(await b.next()).toEqual(["EVENT", "live", event]);
  // A key that is still a member is enough.
  expect(await both.next()).toEqual(["EVENT", "live", event]);
  expect(verdict(await one.publish(unique(alice)))).toEqual([false, "restricted"]);
  await caller(relay.fetch, operator)("banpubkey", bob.pubkey);
  const banned = ["CLOSED", "live", "blocked: this key is banned"];
  expect(await b.next()).toEqual(banned);
  expect(await both.next()).toEqual(banned);
  const reader = await relay.login(operator);
  expect(await membersOf(reader)).toEqual({});
}

/** R-05-66: after each change there is a newer list, and who came or went is told. */
export async function announceChanges(pause: Pause): Promise<void> {
  const relay = memberRelay();
  const at = now();
  relay.setTime(at);
  const watcher = await relay.login(bob);
  expect(await membersOf(watcher)).toEqual({});
  await watcher.req("live", { kinds: [LIST, ADDED, REMOVED] });
  const a = await relay.login(alice);
  const seen: PlainEvent[] = [];
  const steps = [async () => join(a, alice, await relay.code()), () => a.publish(leaving(alice))];
  for (const step of [...steps, ...steps]) {
    await step();
    await pause(relay);
    await a.settled();
    for (let i = 0; i < 2; i++) seen.push((await watcher.until(([verb]) => verb === "EVENT"))[2] as PlainEvent);
  }
  const kinds = [ADDED, REMOVED, ADDED, REMOVED];
  expect(seen.map(({ kind }) => kind)).toEqual(kinds.flatMap((kind) => [kind, LIST]));
  for (const event of seen) {
    expect(event.pubkey).toBe(self.pubkey);
    expect(event.tags[0]).toEqual(["-"]);
    expect(verifyEvent({ ...event, content: "" })).toBe(true);
    if (event.kind !== LIST) expect(event.tags).toEqual([["-"], ["p", alice.pubkey]]);
  }
  // The clock stands, and yet each list is newer than the one before it.
  const times = seen.filter(({ kind }) => kind === LIST).map(({ created_at }) => created_at);
  expect(times).toEqual([...new Set(times)].sort((x, y) => x - y));
  expect((await watcher.query({ kinds: [LIST] }))[0]).toEqual(seen.at(-1));
  expect((await watcher.query({ kinds: [ADDED, REMOVED] })).map(({ kind }) => kind)).toEqual(kinds.reverse());
}
