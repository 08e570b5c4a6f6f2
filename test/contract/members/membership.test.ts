import { expect, test } from "vitest";
import { alice, bob, carol, key, now, signed, unique } from "../../support/keys.ts";
import {
  ADDED,
  answer,
  codeFor,
  INVALID_CODE,
  INVITE,
  JOIN,
  join,
  joining,
  LEAVE,
  LIST,
  leaving,
  MEMBER_ALREADY,
  memberRelay,
  membersOf,
  operator,
  REMOVED,
  ROLE,
  self,
  WELCOME,
} from "../../support/member-relay.ts";
import { guessCodes, leaveAndBan } from "../../support/member-sessions.ts";
import { freshRelay } from "../../support/relay.ts";
import { enlist, storedEvents, verdict } from "../../support/stock.ts";

test("T-131 R-05-64 a good code lets in, once more is a duplicate, a bad one is refused; nothing is stored or sent on", async () => {
  const relay = memberRelay();
  const code = await relay.code();
  const watcher = await relay.login(operator);
  await watcher.req("live", { kinds: [JOIN, LEAVE] });
  await relay.restart();
  const a = await relay.login(alice);
  const requests = [joining(alice, "0".repeat(32)), joining(alice, code), joining(alice, code), leaving(alice)];
  expect(await answer(a, requests[0] as { id: string })).toEqual(INVALID_CODE);
  await relay.restart();
  expect(await answer(a, requests[1] as { id: string })).toEqual(WELCOME);
  await relay.restart();
  expect(await answer(a, requests[2] as { id: string })).toEqual(MEMBER_ALREADY);
  expect(await membersOf(a)).toEqual({ [alice.pubkey]: [] });
  await relay.restart();
  expect(await answer(a, requests[3] as { id: string })).toEqual([true, "info: you have left this relay"]);
  expect(await answer(a, leaving(alice))).toEqual([true, "info: you were no member of this relay"]);
  expect(await membersOf(a)).toEqual({});
  expect(await a.query({ ids: requests.map(({ id }) => id) })).toEqual([]);
  expect(await watcher.settled()).toEqual([]);
});

test("R-05-64 Flotilla's join has no '-' tag; a code that is missing or empty is an invalid invite code", async () => {
  const relay = memberRelay();
  const code = await relay.code();
  const a = await relay.login(alice);
  for (const claim of [undefined, "", `${code}0`, code.toUpperCase().replace(/^./, "Z")]) {
    expect(await answer(a, joining(alice, claim))).toEqual(INVALID_CODE);
  }
  expect(await answer(a, joining(alice, code, now(), []))).toEqual(WELCOME);
});

test("R-05-64 R-05-65 requests are fresh, valid, and of a key that has logged in", async () => {
  const relay = memberRelay();
  const code = await relay.code();
  const at = now();
  relay.setTime(at);
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  for (const off of [-601, 601]) {
    expect((await answer(a, joining(alice, code, at + off)))[1]).toMatch(/^invalid: created_at /);
    expect((await answer(a, leaving(alice, at + off)))[1]).toMatch(/^invalid: created_at /);
  }
  const forged = { ...joining(alice, code, at), sig: "0".repeat(128) };
  expect(await answer(a, forged)).toEqual([false, "invalid: signature does not verify"]);
  expect((await answer(a, { ...joining(alice, code, at), id: "0".repeat(64) }))[1]).toMatch(/^invalid: id /);
  expect((await answer(a, { ...joining(alice, code, at), tags: 1 } as never))[1]).toMatch(/^invalid: tags /);
  expect(verdict(await b.publish(joining(alice, code, at)))).toEqual([false, "restricted"]);
  expect(verdict(await b.publish(leaving(alice, at)))).toEqual([false, "restricted"]);
  expect(await answer(a, joining(alice, code, at - 600))).toEqual(WELCOME);
  expect(verdict(await a.publish(leaving(alice, at + 600)))).toEqual([true, "info"]);
});

test("R-06-05 before AUTH a join gets what everything gets", async () => {
  const relay = memberRelay();
  const code = await relay.code();
  const stranger = await relay.connect();
  expect(await answer(stranger, joining(alice, code))).toEqual([false, "auth-required: authentication required"]);
  const open = await memberRelay({ AUTH_REQUIRED: "false" }).connect();
  expect(verdict(await open.publish(joining(alice, code)))).toEqual([false, "auth-required"]);
});

test("R-05-64 codes expire, and have as many uses as they have", async () => {
  const relay = memberRelay({ INVITE_USES: "2", INVITE_TTL: "3600" });
  const at = now();
  relay.setTime(at);
  const code = await relay.code();
  const clients = [await relay.login(alice), await relay.login(bob), await relay.login(carol)] as const;
  await join(clients[0], alice, code);
  await relay.restart();
  // Leaving gives no use back.
  await clients[0].publish(leaving(alice));
  await join(clients[1], bob, code);
  await relay.restart();
  expect(await answer(clients[2], joining(carol, code))).toEqual([
    false,
    "restricted: that invite code has been used up",
  ]);
  const next = await relay.code();
  expect(next).not.toBe(code);
  relay.setTime(at + 3600);
  const late = joining(carol, next, at + 3600);
  expect(await answer(clients[2], late)).toEqual([false, "restricted: that invite code has expired"]);
});

test("R-05-64 two connections race for the last use of a code: exactly one gets in", async () => {
  const relay = memberRelay();
  for (let round = 0; round < 8; round++) {
    const code = await relay.code();
    const keys = [key(1000 + 2 * round), key(1001 + 2 * round)] as const;
    const clients = [await relay.login(keys[0]), await relay.login(keys[1])] as const;
    if (round % 2 === 1) await relay.restart();
    const requests = [joining(keys[0], code), joining(keys[1], code)] as const;
    const answers = await Promise.all([answer(clients[0], requests[0]), answer(clients[1], requests[1])]);
    expect(answers.filter(([accepted]) => accepted === true)).toEqual([WELCOME]);
    expect(answers.filter(([accepted]) => accepted === false)).toEqual([
      [false, "restricted: that invite code has been used up"],
    ]);
    expect(Object.keys(await membersOf(clients[0]))).toHaveLength(round + 1);
    for (const client of clients) client.close();
  }
});

test("R-05-64 guessing codes is limited for each connection", () => guessCodes(() => {}));

test("R-05-64 a banned key does not join", async () => {
  const relay = memberRelay();
  const code = await relay.code();
  await relay.restart();
  await enlist(relay, ["banned-pubkey", alice.pubkey]);
  await relay.restart();
  const [a, both] = [await relay.login(alice), await relay.login(bob, alice)];
  for (const client of [a, both])
    expect(verdict(await client.publish(joining(alice, code)))).toEqual([false, "blocked"]);
  expect(verdict(await both.publish(joining(bob, code)))).toEqual([false, "blocked"]);
});

test("R-05-65 who leaves loses what members may read at once, on all connections; who is banned too", () =>
  leaveAndBan(() => {}));

test("R-05-63 nobody but the relay publishes its kinds", async () => {
  const relay = memberRelay();
  const a = await relay.login(operator, self);
  for (const kind of [LIST, ROLE, ADDED, REMOVED, INVITE]) {
    for (const by of [alice, operator, self]) {
      const event = signed(by, { kind, tags: [["-"].slice(by === alice ? 1 : 0), ["d", "x"], ["p", alice.pubkey]] });
      expect([kind, ...verdict(await a.publish(event))]).toEqual([kind, false, "blocked"]);
    }
  }
  expect(await membersOf(a)).toEqual({});
  expect(await storedEvents(relay)).toBe(1);
});

test("R-05-63 where no members are kept these are kinds like others, and nobody joins", async () => {
  const relays = [freshRelay(), memberRelay({ ENABLE_MEMBERSHIP: "false" })];
  for (const relay of relays) {
    const a = await relay.login(alice);
    for (const kind of [LIST, ROLE, ADDED, REMOVED]) {
      expect([kind, ...verdict(await a.publish(unique(alice, { kind })))]).toEqual([kind, true, ""]);
    }
    expect(await a.query({ kinds: [INVITE] })).toEqual([]);
    for (const request of [joining(alice, "x"), leaving(alice)]) {
      expect((await answer(a, request))[1]).toMatch(/^restricted: .*invite code.* keeps no members$/);
    }
  }
});

test("R-05-64 operators need no code, and no membership to read and write", async () => {
  const relay = memberRelay({ READ_ACCESS: "members", WRITE_ACCESS: "members" });
  const o = await relay.login(operator);
  expect(verdict(await o.publish(unique(operator)))).toEqual([true, ""]);
  expect(await membersOf(o)).toEqual({});
  expect(await answer(o, joining(operator, ""))).toEqual(WELCOME);
  expect(await membersOf(o)).toEqual({ [operator.pubkey]: [] });
  await o.publish(leaving(operator));
  expect(await membersOf(o)).toEqual({});
});

test("R-05-64 there are MAX_MEMBERS at most; a code is not spent on who does not get in", async () => {
  const relay = memberRelay({ MAX_MEMBERS: "1" });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  await join(a, alice, await relay.code());
  const code = await relay.code();
  expect(await answer(b, joining(bob, code))).toEqual([
    false,
    expect.stringMatching(/^restricted: .*full.*invite code/),
  ]);
  await relay.manage("createrole", "mod");
  await expect(relay.manage("assignrole", carol.pubkey, "mod")).rejects.toThrow(/^restricted: /);
  await a.publish(leaving(alice));
  expect(await answer(b, joining(bob, code))).toEqual(WELCOME);
});

test("R-05-24 who asks to vanish stays a member", async () => {
  const relay = memberRelay();
  const a = await relay.login(alice);
  await join(a, alice, await relay.code());
  const request = signed(alice, { kind: 62, tags: [["relay", "ALL_RELAYS"]] });
  expect(verdict(await a.publish(request))).toEqual([true, ""]);
  await relay.restart();
  expect(await membersOf(a)).toEqual({ [alice.pubkey]: [] });
  expect(await answer(a, joining(alice, ""))).toEqual(MEMBER_ALREADY);
});

test("R-05-64 the code of an inviter who may invite no longer is worth nothing", async () => {
  const relay = memberRelay({ INVITE_ACCESS: "members" });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  await join(a, alice, await relay.code());
  const code = await codeFor(a);
  await a.publish(leaving(alice));
  expect(await answer(b, joining(bob, code))).toEqual(INVALID_CODE);
});
