import { expect, test } from "vitest";
import { alice, bob, now, unique } from "../../support/keys.ts";
import { caller } from "../../support/manage.ts";
import {
  answer,
  INVALID_CODE,
  join,
  joining,
  leaving,
  memberRelay,
  membersOf,
  operator,
  WELCOME,
} from "../../support/member-relay.ts";
import { verdict } from "../../support/stock.ts";

test("R-05-64 guessing codes is limited for each connection, also through an eviction", async () => {
  const relay = memberRelay();
  const code = await relay.code();
  const at = now();
  relay.setTime(at);
  const a = await relay.login(alice);
  for (let i = 0; i < 10; i++) {
    if (i === 5) await relay.restart();
    expect(await answer(a, joining(alice, `guess ${i}`))).toEqual(INVALID_CODE);
  }
  await relay.restart();
  const [accepted, text] = await answer(a, joining(alice, code));
  expect([accepted, text]).toEqual([false, expect.stringMatching(/^rate-limited: .*invite code, retry=60$/)]);
  // Others are served meanwhile, and so is everything else.
  const b = await relay.login(bob);
  expect(await answer(b, joining(bob, "guess"))).toEqual(INVALID_CODE);
  expect(verdict(await a.publish(unique(alice)))).toEqual([true, ""]);
  relay.setTime(at + 60);
  expect(await answer(a, joining(alice, code))).toEqual(WELCOME);
});

test("R-05-65 who leaves loses what members may read at once, on all connections; who is banned too", async () => {
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
  await relay.restart();
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
});
