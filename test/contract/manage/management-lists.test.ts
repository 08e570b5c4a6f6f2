import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { expect, test } from "vitest";
import { admin, alice, bob, carol, key, now, unique } from "../../support/keys.ts";
import { caller } from "../../support/manage.ts";
import { DONE, managedRelay, TWICE } from "../../support/managed.ts";
import {
  answer,
  INVALID_CODE,
  joining,
  LIST,
  leaving,
  memberRelay,
  membersOf,
  operator,
  type PlainEvent,
  ROLE,
  self,
  WELCOME,
} from "../../support/member-relay.ts";
import type { TestRelay } from "../../support/relay.ts";

// Every list of management, and every change made twice.

const ids = ["1", "2", "3", "4"].map((digit) => digit.repeat(64));
const keys = [201, 202, 203, 204].map((n) => key(n).pubkey).sort();

const LISTS: [list: string, put: string, remove: string, member: string | undefined, subjects: (string | number)[]][] =
  [
    ["listbannedpubkeys", "banpubkey", "unbanpubkey", "pubkey", keys],
    ["listallowedpubkeys", "allowpubkey", "unallowpubkey", "pubkey", keys],
    ["listbannedevents", "banevent", "unbanevent", "id", ids],
    ["listallowedevents", "allowevent", "unallowevent", "id", ids],
    ["listblockedips", "blockip", "unblockip", "ip", ["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::/64"]],
    ["listallowedkinds", "allowkind", "disallowkind", undefined, [1, 7, 1984, 30023]],
    ["listdisallowedkinds", "disallowkind", "allowkind", undefined, [1, 7, 1984, 30023]],
  ];

test.each(LISTS)(
  "R-05-72 R-05-74 %s: whole, in pages, with reasons; every change may be made twice",
  async (...row) => {
    const [list, put, remove, member, subjects] = row;
    const { call, restart } = managedRelay();
    const entry = (subject: string | number, reason?: string) =>
      member === undefined ? subject : { [member]: subject, ...(reason !== undefined && { reason }) };
    const listed = async (...params: unknown[]) => (await call(list, ...params)).result;
    expect(await listed()).toEqual([]);
    for (const subject of [...subjects].reverse()) {
      for (const told of TWICE) expect(await call(put, subject)).toEqual(told);
    }
    const all = subjects.map((subject) => entry(subject));
    expect(await listed()).toEqual(all);
    await restart();
    expect(await listed()).toEqual(all);
    expect(await listed(2)).toEqual(all.slice(0, 2));
    expect(await listed(2, subjects[1])).toEqual(all.slice(2, 4));
    expect(await listed(2, subjects[2])).toEqual(all.slice(3));
    expect(await listed(2, subjects[3])).toEqual([]);
    if (member !== undefined) {
      expect(await call(put, subjects[0], "because")).toEqual(DONE);
      expect(await listed(1)).toEqual([entry(subjects[0] as string, "because")]);
    }
    for (const subject of subjects) {
      for (const told of TWICE) expect(await call(remove, subject)).toEqual(told);
    }
    expect(await listed()).toEqual([]);
  },
);

test("R-05-72 listaudit: newest first, all of it in pages", async () => {
  const { call } = managedRelay();
  for (const kind of [1, 2, 3, 4, 5]) await call("allowkind", kind);
  type Entry = { position: number; at: number; pubkey: string; method: string; params: unknown[] };
  const page = async (...params: unknown[]) => (await call("listaudit", ...params)).result as Entry[];
  const all = await page();
  expect(all.map(({ params }) => params)).toEqual([[5], [4], [3], [2], [1]]);
  for (const { pubkey, method } of all) expect([pubkey, method]).toEqual([admin.pubkey, "allowkind"]);
  expect(await page("", 2)).toEqual(all.slice(0, 2));
  expect(await page(all[1]?.position, 2)).toEqual(all.slice(2, 4));
  expect(await page(all[3]?.position, 2)).toEqual(all.slice(4));
  expect(await page(all[4]?.position)).toEqual([]);
});

test("R-05-72 what blockip blocks gets 403, until unblockip", async () => {
  const { call, upgrade } = managedRelay();
  const statusFrom = async (from: string) => (await upgrade({ from })).status;
  expect(await call("blockip", "203.0.113.7", "scraper")).toEqual(DONE);
  expect([await statusFrom("203.0.113.7"), await statusFrom("203.0.113.8")]).toEqual([403, 101]);
  expect(await call("unblockip", "203.0.113.7")).toEqual(DONE);
  expect(await statusFrom("203.0.113.7")).toBe(101);
});

test("R-05-74 an IPv6 address is blocked with its /64, a prefix as it is given", async () => {
  const { call, upgrade, restart } = managedRelay();
  const statusFrom = async (from: string) => (await upgrade({ from })).status;
  expect(await call("blockip", "2001:db8:1:2::7")).toEqual(DONE);
  expect(await call("blockip", "2001:db8:7:2::7/48")).toEqual(DONE);
  await restart();
  expect([await statusFrom("2001:db8:1:2:ffff::1"), await statusFrom("2001:db8:1:3::7")]).toEqual([403, 101]);
  expect([await statusFrom("2001:db8:7:ffff::1"), await statusFrom("2001:db8:8::1")]).toEqual([403, 101]);
  expect(await call("unblockip", "2001:db8:7::/48")).toEqual(DONE);
  expect(await statusFrom("2001:db8:7:ffff::1")).toBe(101);
});

test("R-05-27 an HTTP authorization needs no work", async () => {
  const relay = managedRelay({ MIN_POW: "200" });
  expect((await relay.call("supportedmethods")).status).toBe(200);
});

const ROLE_METHODS = [
  ...["createrole", "editrole", "deleterole", "listroles", "assignrole", "unassignrole"],
  ...["addmember", "removemember", "listmembers", "listinvites", "revokeinvite"],
];

const as = (relay: TestRelay, by = operator) => caller(relay.fetch, by);

test("T-130 R-05-72 R-05-66 roles over HTTP: told of where members are kept, published, assigned, in the list of members", async () => {
  const relay = memberRelay();
  const call = as(relay);
  const supported = (await call("supportedmethods")).result as string[];
  const without = (await managedRelay().call("supportedmethods")).result as string[];
  expect([...supported].sort()).toEqual([...without, ...ROLE_METHODS].sort());
  const reader = await relay.login(bob);
  const roles = async () => {
    const events = (await reader.query({ kinds: [ROLE], authors: [self.pubkey] })) as unknown as PlainEvent[];
    return events.map(({ tags }) => tags.filter(([name]) => name !== "-"));
  };
  for (const told of TWICE) {
    expect(await call("createrole", "mod", "Moderator", "keeps order", "#00ff00", 2)).toEqual(told);
    expect(await roles()).toEqual([
      [
        ["d", "mod"],
        ["label", "Moderator"],
        ["description", "keeps order"],
        ["color", "#00ff00"],
        ["order", "2"],
      ],
    ]);
  }
  expect(await call("editrole", "mod", "Mods", "", 120, "7")).toEqual(DONE);
  expect(await roles()).toEqual([
    [
      ["d", "mod"],
      ["label", "Mods"],
      ["color", "120"],
      ["order", "7"],
    ],
  ]);
  for (const told of TWICE) expect(await call("assignrole", alice.pubkey, "mod")).toEqual(told);
  expect(await membersOf(reader)).toEqual({ [alice.pubkey]: ["mod"] });
  for (const [method, ...params] of [
    ["assignrole", alice.pubkey, "none"],
    ["assignrole", "nobody", "mod"],
    ["editrole", "none", "x", "", "", 0],
    ["createrole", "", "x", "", "", 0],
    ["createrole", "x", "", "", "", "first"],
    ["createrole", "x", "", "", "", -1],
    ["createrole", "x", "", "", "", 1.5],
    ["createrole", "x", "", 1],
    ["createrole", "x", ["label"]],
  ] as const) {
    expect(await call(method, ...params)).toMatchObject({
      status: 200,
      result: null,
      error: expect.stringMatching(/^invalid: ./),
    });
  }
  for (const told of TWICE) expect(await call("unassignrole", alice.pubkey, "mod")).toEqual(told);
  expect(await membersOf(reader)).toEqual({ [alice.pubkey]: [] });
  for (const told of TWICE) expect(await call("deleterole", "mod")).toEqual(told);
  expect(await roles()).toEqual([]);
  expect(await as(relay, carol)("createrole", "x")).toMatchObject({ status: 403 });
  const [list] = (await reader.query({ kinds: [LIST] })) as unknown as PlainEvent[];
  expect(list?.pubkey).toBe(self.pubkey);
});

test("R-05-65 R-05-73 addmember, removemember: what the key wrote stays; listmembers has roles, inviter and date", async () => {
  const relay = memberRelay({ READ_ACCESS: "members", WRITE_ACCESS: "members" });
  const call = as(relay);
  const at = now();
  relay.setTime(at);
  for (const told of TWICE) expect(await call("addmember", alice.pubkey, "friend")).toEqual(told);
  await relay.admit(bob);
  await call("createrole", "mod", "Moderator", "", "", 1);
  await call("assignrole", bob.pubkey, "mod");
  await call("assignrole", carol.pubkey, "mod");
  const member = (pubkey: string, roles: string[]) => ({ pubkey, roles, inviter: operator.pubkey, joined_at: at });
  const listed = [member(alice.pubkey, []), member(bob.pubkey, ["mod"]), member(carol.pubkey, ["mod"])];
  listed.sort((x, y) => (x.pubkey < y.pubkey ? -1 : 1));
  expect((await call("listmembers")).result).toMatchObject(listed);
  expect((await call("listmembers", 1, listed[0]?.pubkey)).result).toMatchObject([listed[1]]);
  expect((await call("listroles")).result).toEqual([expect.objectContaining({ id: "mod", label: "Moderator" })]);
  const [a, c] = [await relay.login(alice), await relay.login(carol)];
  const event = unique(alice);
  expect((await a.publish(event))[2]).toBe(true);
  expect((await a.req("live", { kinds: [1] })).end[0]).toBe("EOSE");
  for (const told of TWICE) expect(await call("removemember", alice.pubkey)).toEqual(told);
  expect((await a.next())[2]).toMatch(/^restricted: ./);
  expect(await c.query({ ids: [event.id] })).toEqual([event]);
  expect(((await call("listmembers")).result as unknown[]).length).toBe(2);
  await call("banpubkey", alice.pubkey);
  expect((await call("addmember", alice.pubkey)).error).toMatch(/^blocked: ./);
});

test("R-05-67 listinvites tells no code, revokeinvite takes one back by id or code", async () => {
  const relay = memberRelay({ INVITE_TTL: "60" });
  const call = as(relay);
  const at = now();
  relay.setTime(at);
  const codes = [await relay.code(), await relay.code(), await relay.code()];
  const invites = (await call("listinvites")).result as { id: string }[];
  const invite = { inviter: operator.pubkey, uses_left: 1, created_at: at, expires_at: at + 60 };
  expect(invites).toEqual(codes.map(() => ({ id: expect.stringMatching(/^[0-9a-f]{64}$/), ...invite })));
  for (const code of codes) expect(JSON.stringify(invites)).not.toContain(code);
  expect(await call("revokeinvite", codes[0])).toEqual(DONE);
  const [left] = (await call("listinvites")).result as { id: string }[];
  expect(await call("revokeinvite", left?.id)).toEqual(DONE);
  for (const wrong of [codes[0], left?.id, "", 1]) {
    expect((await call("revokeinvite", wrong)).error).toMatch(/^invalid: ./);
  }
  const a = await relay.login(alice);
  // Those that were taken back first.
  const isTaken = (code: string) => code === codes[0] || bytesToHex(sha256(utf8ToBytes(code))) === left?.id;
  const answers = [];
  for (const code of [...codes.filter(isTaken), ...codes.filter((code) => !isTaken(code))]) {
    answers.push(await answer(a, joining(alice, code)));
  }
  expect(answers).toEqual([INVALID_CODE, INVALID_CODE, WELCOME]);
  relay.setTime(at + 60);
  expect((await call("listinvites")).result).toEqual([]);
});

test("R-05-73 the record has invites, joins with who invited, and departures", async () => {
  const relay = memberRelay();
  await relay.admit(alice);
  const a = await relay.login(alice);
  for (let twice = 0; twice < 2; twice++) expect((await a.publish(leaving(alice)))[2]).toBe(true);
  const { result } = await as(relay)("listaudit");
  expect(result).toMatchObject([
    { pubkey: alice.pubkey, method: "leave", params: [] },
    { pubkey: alice.pubkey, method: "join", params: [operator.pubkey] },
    { pubkey: operator.pubkey, method: "invite", params: [expect.stringMatching(/^[0-9a-f]{64}$/)] },
  ]);
  expect(result).toHaveLength(3);
});
