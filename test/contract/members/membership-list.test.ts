import { expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { alice, bob, carol, key, now, unique } from "../../support/keys.ts";
import { caller } from "../../support/manage.ts";
import {
  ADDED,
  answer,
  hex,
  join,
  joining,
  LIST,
  leaving,
  memberRelay,
  membership,
  membersOf,
  operator,
  type PlainEvent,
  REMOVED,
  ROLE,
  self,
} from "../../support/member-relay.ts";
import { announceChanges } from "../../support/member-sessions.ts";
import { Random } from "../../support/random.ts";
import { freshRelay } from "../../support/relay.ts";
import { type Entry, enlist, stock, unsigned } from "../../support/stock.ts";

const events = (client: Client, ...filters: unknown[]) => client.query(...filters) as unknown as Promise<PlainEvent[]>;

test("R-05-66 after each change there is a newer list, and who came or went is told; all signed by the relay, with '-'", () =>
  announceChanges(() => {}));

test("R-05-66 roles are published, changed and deleted, and are in the list of members", async () => {
  const relay = memberRelay();
  const a = await relay.login(alice);
  expect(await relay.manage("createrole", "mod", "Moderators", "keep order", "120", 1)).toBe(true);
  const [first] = await events(a, { kinds: [ROLE], "#d": ["mod"] });
  expect(first).toMatchObject({
    pubkey: self.pubkey,
    tags: [
      ["-"],
      ["d", "mod"],
      ["label", "Moderators"],
      ["description", "keep order"],
      ["color", "120"],
      ["order", "1"],
    ],
  });
  await relay.restart();
  await relay.manage("createrole", "artist", "", null, "", "");
  await relay.manage("editrole", "mod", "Mods");
  expect((await events(a, { kinds: [ROLE] })).map(({ tags }) => tags.slice(1)).sort()).toEqual([
    [["d", "artist"]],
    [
      ["d", "mod"],
      ["label", "Mods"],
    ],
  ]);
  // A role makes a member.
  expect(await relay.manage("assignrole", bob.pubkey, "mod")).toBe(true);
  expect(await relay.manage("assignrole", bob.pubkey, "artist")).toBe(true);
  expect(await relay.manage("assignrole", bob.pubkey, "artist")).toBe(true);
  await relay.admit(carol);
  await relay.restart();
  expect(await membersOf(a)).toEqual({ [bob.pubkey]: ["mod", "artist"], [carol.pubkey]: [] });
  expect((await events(a, { kinds: [ADDED] })).map(({ tags }) => tags[1]?.[1]).sort()).toEqual(
    [bob.pubkey, carol.pubkey].sort(),
  );
  await relay.manage("deleterole", "mod");
  expect(await membersOf(a)).toEqual({ [bob.pubkey]: ["artist"], [carol.pubkey]: [] });
  expect((await events(a, { kinds: [ROLE] })).map(({ tags }) => tags[1])).toEqual([["d", "artist"]]);
  await relay.manage("unassignrole", bob.pubkey, "artist");
  expect(await membersOf(a)).toEqual({ [bob.pubkey]: [], [carol.pubkey]: [] });
  // Back again at once, although the deletion stands.
  await relay.manage("createrole", "mod", "Again");
  expect((await events(a, { kinds: [ROLE], "#d": ["mod"] })).map(({ tags }) => tags[2])).toEqual([["label", "Again"]]);
});

test("R-05-66 what cannot be is refused with a reason, what is so already is no error", async () => {
  const relay = memberRelay();
  const call = caller(relay.fetch, operator);
  const outcome = async (method: string, ...params: unknown[]) => {
    const { result, error } = await call(method, ...params);
    return error ?? result;
  };
  expect(await outcome("editrole", "none")).toBe("invalid: there is no such role");
  expect(await outcome("assignrole", alice.pubkey, "none")).toBe("invalid: there is no such role");
  expect(await outcome("unassignrole", alice.pubkey, "none")).toBe(true);
  expect(await outcome("deleterole", "none")).toBe(true);
  expect(await membersOf(await relay.login(alice))).toEqual({});
  for (let n = 0; n < 100; n++) expect(await outcome("createrole", `role ${n}`)).toBe(true);
  expect(await outcome("createrole", "role 100")).toBe("restricted: there are 100 roles already, delete one first");
  expect(await outcome("editrole", "role 5", "x")).toBe(true);
  const wrong = [
    [],
    [""],
    [1],
    ["x".repeat(65)],
    ["\ud800"],
    ["role 5", "l".repeat(101)],
    ["role 5", "", "d".repeat(1001)],
    ["role 5", "", "", "c".repeat(33)],
    ["role 5", "", "", {}],
    ...[-1, 65536, 1.5, "red", "1e1", {}].map((order) => ["role 5", "", "", "", order]),
  ];
  for (const parts of wrong) {
    expect(await outcome("createrole", ...parts)).toMatch(/^invalid: /);
    expect(await outcome("editrole", ...parts)).toMatch(/^invalid: /);
  }
});

test("R-05-66 the list never grows beyond what a row can hold", async () => {
  const relay = memberRelay();
  const ids = Array.from({ length: 100 }, (_, i) => `${i}`.padEnd(64, "ä"));
  const member = (n: number): string => n.toString(16).padStart(64, "0");
  await enlist(relay, ...ids.map((id): Entry => ["role", id, JSON.stringify({ id })]));
  const some = Array.from({ length: 76 }, (_, n): Entry => ["member", member(n), JSON.stringify(ids)]);
  await enlist(relay, ...some);
  const call = caller(relay.fetch, operator);
  const reasons = new Set<unknown>();
  for (const id of ids) {
    for (const n of [100, 101]) reasons.add((await call("assignrole", member(n), id)).error);
  }
  expect([...reasons]).toEqual([undefined, expect.stringMatching(/^restricted: the list of members is full/)]);
  const a = await relay.login(alice);
  expect(Object.keys(await membersOf(a))).toHaveLength(78);
}, 120_000);

test("R-05-66 a crash between a change and its events costs nothing: they are issued at the next start", async () => {
  const relay = memberRelay();
  const a = await relay.login(alice);
  await join(a, alice, await relay.code());
  expect(await membersOf(a)).toEqual({ [alice.pubkey]: [] });
  await enlist(
    relay,
    ["member", bob.pubkey, "[]"],
    ["owed", `key:${bob.pubkey}`, ""],
    ["owed", "role:mod", ""],
    ["role", "mod", '{"id":"mod"}'],
  );
  await relay.restart();
  expect(await membersOf(a)).toEqual({ [alice.pubkey]: [], [bob.pubkey]: [] });
  expect(await events(a, { kinds: [ADDED], "#p": [bob.pubkey] })).toHaveLength(1);
  expect(await events(a, { kinds: [ROLE], "#d": ["mod"] })).toHaveLength(1);
});

test("R-05-66 nobody has to ask: what is owed is issued within a moment", async () => {
  const relay = memberRelay();
  const watcher = await relay.login(bob);
  await watcher.req("live", { kinds: [LIST] });
  await (await relay.login(alice)).publish(joining(alice, await relay.code()));
  expect((await watcher.until(([verb]) => verb === "EVENT"))[2]).toMatchObject({
    tags: [["-"], ["member", alice.pubkey]],
  });
});

test("R-05-63 what others signed of these kinds before is removed, and a new key signs everything anew", async () => {
  const foreign = [LIST, ROLE, ADDED, REMOVED].map((kind) => unsigned({ kind, tags: [["d", "mod"]] }));
  const relay = freshRelay(membership());
  const note = unique(alice);
  await stock(relay, [...foreign, unsigned({ kind: 1, content: "stays" })]);
  const a = await relay.login(alice);
  await a.publish(note);
  await relay.ring();
  expect((await events(a, { kinds: [LIST, ROLE, ADDED, REMOVED] })).map(({ pubkey }) => pubkey)).toEqual([self.pubkey]);
  expect(await events(a, { kinds: [1] })).toHaveLength(2);
  await relay.restart();
  await enlist(relay, ["member", bob.pubkey, '["mod"]'], ["role", "mod", '{"id":"mod","label":"Mods"}']);
  const other = key(903);
  await relay.restart(membership({ RELAY_SECRET_KEY: hex(other.secret) }));
  await a.settled();
  await relay.ring();
  const found = await events(a, { kinds: [LIST, ROLE, ADDED, REMOVED] });
  expect(found.map(({ pubkey }) => pubkey)).toEqual([other.pubkey, other.pubkey]);
  expect(found.find(({ kind }) => kind === LIST)?.tags).toEqual([["-"], ["member", bob.pubkey, "mod"]]);
});

test("R-05-66 no retention ends the list", async () => {
  const relay = memberRelay({ RETENTION: "0-65535:3600" });
  const at = now();
  relay.setTime(at);
  const a = await relay.login(alice);
  await join(a, alice, await relay.code());
  expect(await events(a, { kinds: [ADDED] })).toHaveLength(1);
  relay.setTime(at + 7200);
  expect(await events(a, { kinds: [ADDED] })).toEqual([]);
  expect(await membersOf(a)).toEqual({ [alice.pubkey]: [] });
});

test("R-05-66 after random joins, departures, roles and evictions the list is the members", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`membership seed ${seed}`);
  const random = new Random(seed);
  const relay = memberRelay({ INVITE_USES: "3" });
  const keys = Array.from({ length: 5 }, (_, i) => key(3000 + i));
  const clients = await Promise.all(keys.map((one) => relay.login(one)));
  const ids = ["a", "b", "c"];
  const roles = new Map<string, string>();
  const expected = new Map<string, string[]>();
  for (let step = 0; step < 80; step++) {
    const i = random.int(0, keys.length - 1);
    const [by, client] = [keys[i] as (typeof keys)[0], clients[i] as Client];
    const id = random.pick(ids);
    switch (random.int(0, 7)) {
      case 0:
      case 1:
        expect((await answer(client, joining(by, await relay.code())))[0]).toBe(true);
        if (!expected.has(by.pubkey)) expected.set(by.pubkey, []);
        break;
      case 2:
        await client.publish(leaving(by));
        expected.delete(by.pubkey);
        break;
      case 3:
        await relay.manage("createrole", id, `${step}`);
        roles.set(id, `${step}`);
        break;
      case 4:
        await relay.manage("deleterole", id);
        roles.delete(id);
        for (const [member, own] of expected)
          expected.set(
            member,
            own.filter((one) => one !== id),
          );
        break;
      case 5: {
        const { error } = await caller(relay.fetch, operator)("assignrole", by.pubkey, id);
        expect(error === undefined).toBe(roles.has(id));
        const own = expected.get(by.pubkey) ?? [];
        if (roles.has(id)) expected.set(by.pubkey, own.includes(id) ? own : [...own, id]);
        break;
      }
      case 6:
        await relay.manage("unassignrole", by.pubkey, id);
        if (expected.has(by.pubkey)) {
          expected.set(
            by.pubkey,
            (expected.get(by.pubkey) ?? []).filter((one) => one !== id),
          );
        }
        break;
      case 7:
        await relay.restart();
    }
    if (!random.chance(0.5)) continue;
    const reader = random.pick(clients);
    expect([seed, step, await membersOf(reader)]).toEqual([seed, step, Object.fromEntries(expected)]);
    const published = await events(reader, { kinds: [ROLE] });
    expect([seed, step, Object.fromEntries(published.map(({ tags }) => [tags[1]?.[1], tags[2]?.[1]]))]).toEqual([
      seed,
      step,
      Object.fromEntries(roles),
    ]);
  }
}, 120_000);
