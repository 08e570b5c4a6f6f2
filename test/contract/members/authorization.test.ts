import { expect, test } from "vitest";
import { AccessStore } from "../../../src/store/access-store.ts";
import { alice, bob, type Key, now, signed } from "../../support/keys.ts";
import { caller } from "../../support/manage.ts";
import { managedRelay } from "../../support/managed.ts";
import {
  answer,
  codeFor,
  INVALID_CODE,
  joining,
  LIST,
  memberRelay,
  membership,
  membersOf,
  operator,
  self,
} from "../../support/member-relay.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { countOf, lookUp } from "../../support/stock.ts";

const as = (relay: TestRelay, by: Key) => caller(relay.fetch, by);

test("R-05-72 nobody bans the relay's own key", async () => {
  const relay = memberRelay();
  const client = await relay.login(alice);
  await relay.admit(alice);
  const before = await client.query({ kinds: [LIST] });
  expect(before).toHaveLength(1);
  expect((await as(relay, operator)("banpubkey", self.pubkey)).error).toMatch(/^restricted: /);
  expect(await client.query({ kinds: [LIST] })).toEqual(before);
});

test("R-05-64 invite codes of a banned admin open nothing", async () => {
  const relay = memberRelay();
  const call = as(relay, operator);
  expect((await call("grantadmin", alice.pubkey, ["stats"])).result).toBe(true);
  const code = await codeFor(await relay.login(alice));
  expect((await call("banpubkey", alice.pubkey)).result).toBe(true);
  expect(await answer(await relay.login(bob), joining(bob, code))).toEqual(INVALID_CODE);
});

test("R-05-71 R-05-72 a granted admin who calls without end does not keep an operator from calling", async () => {
  const relay = managedRelay();
  expect((await relay.call("grantadmin", alice.pubkey, ["stats"])).result).toBe(true);
  const flood = relay.as(alice);
  const statuses: number[] = [];
  for (let i = 0; i < 510; i++) statuses.push((await flood("supportedmethods")).status);
  expect(statuses.slice(0, 500)).toEqual(Array(500).fill(200));
  expect(statuses.slice(500)).toEqual(Array(10).fill(429));
  expect((await relay.call("revokeadmin", alice.pubkey)).result).toBe(true);
}, 120_000);

test("R-05-71 R-05-72 nor do forty of them together", async () => {
  const relay = managedRelay();
  const until = now() + 60;
  // As many as the list holds, of which no key has more than its own share.
  await relay.database((sql) => {
    const lists = new AccessStore(sql);
    lists.put("admin", alice.pubkey, "[]");
    for (let i = 0; i < 15_000; i++) {
      const by = String(Math.floor(i / 499)).padStart(64, "a");
      lists.put("spent", String(i).padStart(64, "0"), `${until} ${by}`);
    }
  });
  await relay.restart();
  expect((await relay.as(alice)("supportedmethods")).status).toBe(429);
  expect((await relay.call("revokeadmin", alice.pubkey)).result).toBe(true);
});

test("R-05-72 an event that the relay signed cannot be banned", async () => {
  const relay = memberRelay();
  const call = as(relay, operator);
  await call("grantadmin", bob.pubkey, ["banevent"]);
  await relay.admit(alice);
  const client = await relay.login(alice);
  const note = signed(alice);
  await client.publish(note);
  const [list] = (await client.query({ kinds: [LIST] })) as { id: string }[];
  for (const by of [bob, operator]) {
    expect((await as(relay, by)("banevent", list?.id)).error).toMatch(/^restricted: /);
  }
  expect(await client.query({ kinds: [LIST] })).toEqual([list]);
  expect((await call("listbannedevents")).result).toEqual([]);
  expect((await as(relay, bob)("banevent", note.id)).result).toBe(true);
  expect((await call("banevent", "0".repeat(64))).result).toBe(true);
});

test("R-05-58 a key that is banned while there are no members is no member once there are again", async () => {
  const relay = memberRelay();
  await relay.admit(alice);
  await (await relay.login(bob)).settled();
  const operated = { ADMIN_PUBKEYS: operator.pubkey };
  await relay.restart(operated);
  const call = as(relay, operator);
  expect((await call("banpubkey", alice.pubkey)).result).toBe(true);
  expect((await call("unbanpubkey", alice.pubkey)).result).toBe(true);
  await relay.restart(membership());
  expect(await membersOf(await relay.login(bob))).toEqual({});
});

test("R-07-17 a private kind of job is not counted", async () => {
  const relay = freshRelay({ PRIVATE_KINDS: "4,5000" });
  const client = await relay.login(alice);
  for (const kind of [5000, 5001]) await client.publish(signed(alice, { kind }));
  const stats = (await (await relay.fetch("http://relay/api/stats")).json()) as { dvm: unknown };
  expect(stats.dvm).toMatchObject({ requests: 1, requests_by_kind: { 5001: 1 } });
  expect(JSON.stringify(stats)).not.toContain('"5000"');
});

test("R-05-63 what others signed while there were no members is hidden and removed when there are again", async () => {
  const relay = memberRelay();
  await relay.admit(bob);
  await (await relay.login(bob)).settled();
  await relay.restart({});
  const forged = signed(alice, { kind: LIST, tags: [["-"], ["member", alice.pubkey]] });
  expect((await (await relay.login(alice)).publish(forged))[2]).toBe(true);
  await relay.restart(membership());
  const reader = await relay.login(bob);
  // Hidden at once, everywhere, removed or not.
  const seen = (await reader.query({ kinds: [LIST] })) as unknown as { pubkey: string }[];
  expect(seen.map(({ pubkey }) => pubkey)).toEqual([self.pubkey]);
  expect(await countOf(reader, { authors: [alice.pubkey] })).toBe(0);
  await relay.ring();
  expect(await lookUp(relay, `SELECT count(*) FROM event WHERE kind = ${LIST}`)).toBe(1);
  const found = (await reader.query({ kinds: [LIST] })) as unknown as { pubkey: string }[];
  expect(found.map(({ pubkey }) => pubkey)).toEqual([self.pubkey]);
});
