import { expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { alice, bob, carol, type Key, unique } from "../support/keys.ts";
import {
  ADDED,
  join,
  joining,
  LIST,
  leaving,
  type MemberRelay,
  memberRelay,
  membersOf,
  operator,
} from "../support/member-relay.ts";
import { type Arrival, receiveTogether } from "./one-turn.ts";

// Members come and go on a relay that has so much to do that what they send is begun in one turn.

/** As much as is begun in one turn, in few frames: what comes after them waits. */
function fill(busy: readonly Client[]): Arrival[] {
  const reads = (by: Client, count: number) =>
    Array.from({ length: count }, (_, n): Arrival => [by, ["REQ", `${n}`, { limit: 0 }]]);
  return busy.flatMap((by, n) => reads(by, n < 2 ? 8 : 1));
}

const logins = (relay: MemberRelay, by: Key, count: number) =>
  Promise.all(Array.from({ length: count }, () => relay.login(by)));

test("R-05-58 R-05-65 a REQ of who leaves in the same turn opens nothing", async () => {
  const relay = await memberRelay({ READ_ACCESS: "members" });
  const code = await relay.code();
  const busy = await logins(relay, operator, 3);
  const [b, one, two] = [await relay.login(bob), await relay.login(alice), await relay.login(alice)];
  await join(b, bob, code);
  await join(one, alice, await relay.code());
  await receiveTogether(relay.stub, [
    ...[one, two, b].map((client): Arrival => [client, ["PING"]]),
    ...fill(busy),
    // An announcement is due, for which the REQ has to wait.
    [b, ["EVENT", leaving(bob)]],
    [one, ["REQ", "s", { limit: 0 }]],
    [two, ["EVENT", leaving(alice)]],
  ]);
  const [, , isDone] = await two.until(([verb]) => verb === "OK");
  expect(isDone).toBe(true);
  await (await relay.login(operator)).publish(unique(operator));
  const frames = await one.settled();
  const closed = frames.findIndex(([verb]) => verb === "CLOSED");
  expect(closed).toBeGreaterThanOrEqual(0);
  expect(frames.slice(closed + 1)).toEqual([]);
});

test("R-05-66 what is owed is published once, however many ask at the same time", async () => {
  const relay = await memberRelay();
  const code = await relay.code();
  const [busy, others] = [await logins(relay, operator, 3), await logins(relay, carol, 5)];
  const [a, watcher] = [await relay.login(alice), await relay.login(operator)];
  await watcher.req("live", { kinds: [ADDED, LIST], limit: 0 });
  await receiveTogether(relay.stub, [
    ...others.map((client): Arrival => [client, ["PING"]]),
    ...fill(busy),
    [a, ["EVENT", joining(alice, code)]],
    ...others.map((client): Arrival => [client, ["REQ", "s", { limit: 0 }]]),
  ]);
  for (const client of others) await client.until(([verb]) => verb === "EOSE");
  expect(Object.keys(await membersOf(a))).toEqual([alice.pubkey]);
  const live = (await watcher.settled())
    .filter(([verb]) => verb === "EVENT")
    .map(([, , event]) => (event as { kind: number }).kind);
  expect(live.sort((a, b) => a - b)).toEqual([ADDED, LIST]);
});
