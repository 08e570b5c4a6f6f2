import { expect, test } from "vitest";
import { admin, alice, bob, carol, key, now, unique } from "../../support/keys.ts";
import { DONE, managedRelay, publishOne, SAME, TWICE } from "../../support/managed.ts";
import { expectEose, storedEvents } from "../../support/stock.ts";

const refused = (prefix: string) => ({
  status: 200,
  result: null,
  error: expect.stringMatching(new RegExp(`^${prefix}: .`)),
});

const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id).sort();

const METHODS = [
  "listjobs",
  "job",
  "listproviders",
  "jobsummary",
  "rebuildjobs",
  "supportedmethods",
  ...["stats", "listaudit"],
  ...["banpubkey", "unbanpubkey", "listbannedpubkeys", "allowpubkey", "unallowpubkey", "listallowedpubkeys"],
  ...["banevent", "unbanevent", "listbannedevents", "allowevent", "unallowevent", "listallowedevents"],
  ...["listeventsneedingmoderation", "keysummary"],
  ...["allowkind", "disallowkind", "listallowedkinds", "listdisallowedkinds"],
  ...["blockip", "unblockip", "listblockedips"],
  ...["listsettings", "getsetting", "setsetting", "unsetsetting"],
  "metrics",
  ...["changerelayname", "changerelaydescription", "changerelayicon"],
  ...["grantadmin", "revokeadmin", "listadmins"],
  ...["exportevents", "importevents", "exportstate", "importstate", "beginrestore", "endrestore"],
];

test("T-130 supportedmethods is exactly what works here", async () => {
  const { call } = managedRelay();
  const { result } = await call("supportedmethods");
  // What only one host can do, and says so.
  const ofHost = /^(make|get)backup$|^(get|restore)bookmark$/;
  expect((result as string[]).filter((name) => !ofHost.test(name)).sort()).toEqual([...METHODS].sort());
  for (const method of METHODS) expect((await call(method)).error ?? "").not.toMatch(/^unsupported/);
});

const KEY_PARAMETERS = [[], [""], [null], [1], [{}], ["abc"], [alice.pubkey.toUpperCase()], [`${alice.pubkey}0`], [[]]];
const KINDS = [[], [""], [null], ["1"], [-1], [65536], [1.5], [[1]], [true]];
const ADDRESSES = [
  [],
  [""],
  [null],
  [1],
  ["localhost"],
  ["1.2.3"],
  ["1.2.3.256"],
  ["1.2.3.4/24"],
  ["::1%eth0"],
  ["g::1"],
];
const LONG = "x".repeat(501);

const WRONG: [string, unknown[][]][] = [
  ...["banpubkey", "unbanpubkey", "allowpubkey", "unallowpubkey", "grantadmin", "revokeadmin"].map(
    (method): [string, unknown[][]] => [method, KEY_PARAMETERS],
  ),
  ...["banevent", "unbanevent", "allowevent", "unallowevent"].map((method): [string, unknown[][]] => [
    method,
    KEY_PARAMETERS,
  ]),
  ...["banpubkey", "allowpubkey", "banevent", "allowevent"].map((method): [string, unknown[][]] => [
    method,
    [
      [alice.pubkey, 1],
      [alice.pubkey, LONG],
      [alice.pubkey, ["x"]],
      [alice.pubkey, "\ud800"],
    ],
  ]),
  ["allowkind", KINDS],
  ["disallowkind", KINDS],
  ["blockip", [...ADDRESSES, ["1.2.3.4", LONG]]],
  ["unblockip", ADDRESSES],
  ["changerelayname", [[], [null], [1], ["x".repeat(201)], ["\ud800"]]],
  ["changerelaydescription", [[], [null], [{}], ["x".repeat(5001)]]],
  ["changerelayicon", [[], [1], ["icon.png"], ["javascript:alert(1)"], [`https://x/${"x".repeat(2000)}`]]],
  [
    "grantadmin",
    [
      [alice.pubkey, "stats"],
      [alice.pubkey, [1]],
      [alice.pubkey, ["nosuchmethod"]],
    ],
  ],
  [
    "grantadmin",
    [
      [alice.pubkey, ["grantadmin"]],
      [alice.pubkey, ["stats", "revokeadmin"]],
    ],
  ],
  [
    "revokeadmin",
    [
      [alice.pubkey, "stats"],
      [alice.pubkey, ["nosuchmethod"]],
    ],
  ],
  ...["getsetting", "setsetting", "unsetsetting"].map((method): [string, unknown[][]] => [
    method,
    [[], [""], [null], [1], ["NO_SUCH_SETTING"], ["closed"], ["__proto__"], ["max_limit", 5]],
  ]),
  [
    "setsetting",
    [["MAX_LIMIT"], ["MAX_LIMIT", "0"], ["MAX_LIMIT", []], ["RELAY_NAME", "\ud800"], ["READ_ACCESS", "all"]],
  ],
  ["listbannedpubkeys", [[0], [-1], ["x"], [1.5], [20_001], [1, 1]]],
  ["listallowedkinds", [[0], [1, "x"], [1, 65536]]],
  ["listaudit", [["x"], [0], [1, 0], [1, 1001]]],
];

test.each(WRONG)("R-05-73 R-05-74 wrong params of %s: an error, and no effect", async (method, wrong) => {
  const { call, database } = managedRelay();
  for (const params of wrong) expect(await call(method, ...params)).toEqual(refused("invalid"));
  const rows = await database((sql) =>
    sql.all("SELECT list FROM access WHERE list <> 'spent' UNION ALL SELECT method FROM audit"),
  );
  expect(rows).toEqual([]);
});

test("T-129 R-05-58 banpubkey: events blocked, AUTH still fine, listed meanwhile; unbanpubkey undoes it", async () => {
  const { call, login, connect, restart } = managedRelay();
  const [a, c] = [await login(alice), await login(carol)];
  const before = unique(carol);
  await c.publish(before);
  for (const told of TWICE) {
    expect(await call("banpubkey", carol.pubkey, "spam")).toEqual({ ...told, hidden: 1 });
  }
  expect((await call("listbannedpubkeys")).result).toEqual([{ pubkey: carol.pubkey, reason: "spam" }]);
  const event = unique(carol);
  expect(await c.publish(event)).toEqual(["OK", event.id, false, expect.stringMatching(/^blocked: ./)]);
  expect(await a.publish(event)).toEqual(["OK", event.id, false, expect.stringMatching(/^blocked: ./)]);
  expect(await a.query({ authors: [carol.pubkey] })).toEqual([]);
  expect(await a.ask(["COUNT", "n", { authors: [carol.pubkey] }])).toEqual(["COUNT", "n", { count: 0 }]);
  await restart();
  expect((await (await connect()).auth(carol))[2]).toBe(true);
  expect((await c.publish(event))[3]).toMatch(/^blocked: ./);
  expect(await call("unbanpubkey", carol.pubkey)).toEqual(DONE);
  expect(await call("unbanpubkey", carol.pubkey, "")).toEqual(SAME);
  expect((await call("listbannedpubkeys")).result).toEqual([]);
  expect((await c.publish(event))[2]).toBe(true);
  expect(idsOf(await a.query({ authors: [carol.pubkey] }))).toContain(event.id);
});

const WEEK = 604_800;

test("R-05-74 the stored events of a banned key are hidden and counted at once, and erased after a week", async () => {
  const relay = managedRelay();
  const at = now();
  relay.setTime(at);
  const [a, c] = [await relay.login(alice), await relay.login(carol)];
  const kept = unique(alice);
  await a.publish(kept);
  for (let n = 0; n < 5; n++) await c.publish(unique(carol));
  await c.publish(unique(carol, { kind: 1059 }));
  expect(await relay.call("banpubkey", carol.pubkey)).toEqual({ ...DONE, hidden: 5 });
  expect(await a.query({})).toEqual([kept]);
  // What deletions it has made goes at once.
  await relay.ring();
  expect(await relay.due()).toBe(at + WEEK);
  await relay.restart();
  expect(await a.query({})).toEqual([kept]);
  relay.setTime(at + WEEK - 1);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(7);
  relay.setTime(at + WEEK);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(1);
  relay.setTime(at);
  await relay.call("unbanpubkey", carol.pubkey);
  expect(await a.query({})).toEqual([kept]);
});

test("R-05-74 an unban brings back what has not been erased, and it is not erased later", async () => {
  const relay = managedRelay({ BAN_ERASE_AFTER: "60" });
  const at = now();
  relay.setTime(at);
  const [a, c] = [await relay.login(alice), await relay.login(carol)];
  const [first, second] = [unique(carol), unique(carol)];
  for (const event of [first, second]) await c.publish(event);
  await relay.call("banevent", first.id);
  await relay.call("banpubkey", carol.pubkey);
  expect(await a.query({})).toEqual([]);
  await relay.call("unbanpubkey", carol.pubkey);
  expect(await a.query({})).toEqual([second]);
  await relay.call("unbanevent", first.id);
  relay.setTime(at + 61);
  await relay.ring();
  expect(idsOf(await a.query({}))).toEqual(idsOf([first, second]));
});

test("R-05-08 R-05-74 with a ban kind 5 events go at once, and an unban brings nothing back that they deleted", async () => {
  const relay = managedRelay();
  const [a, c] = [await relay.login(alice), await relay.login(carol)];
  const [deleted, kept, never] = [unique(carol), unique(carol), unique(carol)];
  for (const event of [deleted, kept]) await c.publish(event);
  await c.publish(unique(carol, { kind: 5, tags: [deleted, never].map(({ id }) => ["e", id]) }));
  expect(await relay.call("banpubkey", carol.pubkey)).toEqual({ ...DONE, hidden: 2 });
  await relay.ring();
  expect(await storedEvents(relay)).toBe(1);
  await relay.call("unbanpubkey", carol.pubkey);
  expect(await a.query({})).toEqual([kept]);
  expect((await c.publish(deleted)).slice(2)).toEqual([false, expect.stringMatching(/^blocked: /)]);
  expect((await c.publish(never))[2]).toBe(true);
});

test("R-05-74 while the storage is full, what a ban hides is erased at once", async () => {
  const relay = managedRelay({ MAX_STORAGE: "1000000" });
  const [a, c] = [await relay.login(alice), await relay.login(carol)];
  await relay.call("banpubkey", bob.pubkey);
  const content = "x".repeat(90_000);
  let stored = 0;
  while ((await c.publish(unique(carol, { content: `${content}${stored}` })))[2]) stored++;
  expect(await relay.call("banpubkey", carol.pubkey)).toEqual({ ...DONE, hidden: stored });
  await relay.ring();
  expect(await storedEvents(relay)).toBeLessThan(stored);
  expect(await a.query({})).toEqual([]);
  expect((await a.publish(unique(alice)))[2]).toBe(true);
});

test("R-05-74 what a key publishes after its ban was lifted is not removed", async () => {
  const relay = managedRelay();
  const c = await relay.login(carol);
  await c.publish(unique(carol));
  await relay.call("banpubkey", carol.pubkey);
  await relay.call("unbanpubkey", carol.pubkey);
  const event = unique(carol);
  expect((await c.publish(event))[2]).toBe(true);
  await relay.ring();
  expect(idsOf(await c.query({ authors: [carol.pubkey] }))).toContain(event.id);
});

test("R-05-74 a ban ends what the connection of that key has open, and only that", async () => {
  const { call, login } = managedRelay();
  const [a, c, both] = [await login(alice), await login(carol), await login(alice, carol)];
  for (const client of [a, c, both]) await expectEose(client, "live", { kinds: [1] });
  await call("banpubkey", carol.pubkey);
  for (const client of [c, both]) {
    expect(await client.next()).toEqual(["CLOSED", "live", expect.stringMatching(/^blocked: ./)]);
    expect(await client.ask(["REQ", "again", {}])).toEqual(["CLOSED", "again", expect.stringMatching(/^blocked: ./)]);
  }
  const event = unique(alice);
  await a.publish(event);
  expect(await a.next()).toEqual(["EVENT", "live", event]);
});

test("R-05-74 an event that was sent before a ban is answered, and does not outlive it", async () => {
  const relay = managedRelay({ BAN_ERASE_AFTER: "0" });
  const [a, c] = [await relay.login(alice), await relay.login(carol)];
  const events = Array.from({ length: 20 }, () => unique(carol));
  for (const event of events) c.send(["EVENT", event]);
  await relay.call("banpubkey", carol.pubkey);
  for (const event of events) expect((await c.until((frame) => frame[1] === event.id))[0]).toBe("OK");
  expect(await a.query({ authors: [carol.pubkey] })).toEqual([]);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(0);
});

test("R-05-72 R-05-58 allowpubkey: an allow list as soon as it has an entry, and for good, also when it is empty", async () => {
  const { call, login, restart } = managedRelay();
  const [a, b] = [await login(alice), await login(bob)];
  for (const client of [a, b]) await expectEose(client, "live", { kinds: [1] });
  await call("banpubkey", alice.pubkey);
  expect((await a.next())[2]).toMatch(/^blocked: ./);
  expect(await call("allowpubkey", alice.pubkey, "friend")).toEqual(DONE);
  expect(await call("allowpubkey", carol.pubkey)).toEqual(DONE);
  expect(await b.next()).toEqual(["CLOSED", "live", expect.stringMatching(/^restricted: ./)]);
  expect((await call("listbannedpubkeys")).result).toEqual([]);
  const listed = [{ pubkey: alice.pubkey, reason: "friend" }, { pubkey: carol.pubkey }];
  expect((await call("listallowedpubkeys")).result).toEqual(listed.sort((x, y) => (x.pubkey < y.pubkey ? -1 : 1)));
  await expectEose(a, "live", { kinds: [1] });
  expect((await a.publish(unique(alice)))[2]).toBe(true);
  await restart();
  await expectEose(a, "live", { kinds: [1] });
  expect((await b.publish(unique(bob)))[3]).toMatch(/^restricted: ./);
  expect(await call("unallowpubkey", alice.pubkey)).toEqual(DONE);
  const closed = await a.until(([verb]) => verb === "CLOSED");
  expect(closed).toEqual(["CLOSED", "live", expect.stringMatching(/^restricted: ./)]);
  expect((await a.publish(unique(alice)))[3]).toMatch(/^restricted: ./);
  await call("unallowpubkey", carol.pubkey);
  expect((await b.publish(unique(bob)))[3]).toMatch(/^restricted: ./);
  await restart();
  expect((await b.publish(unique(bob)))[3]).toMatch(/^restricted: ./);
});

test("R-05-58 the ban of the last key on the allow list opens the relay to nobody, but READ_ACCESS=open does", async () => {
  const { as, call, login, restart } = managedRelay();
  await call("allowpubkey", alice.pubkey);
  await call("grantadmin", carol.pubkey, ["banpubkey"]);
  expect(await as(carol)("banpubkey", alice.pubkey)).toEqual(DONE);
  const b = await login(bob);
  expect((await b.ask(["REQ", "q", {}]))[2]).toMatch(/^restricted: ./);
  expect((await b.publish(unique(bob)))[3]).toMatch(/^restricted: ./);
  await restart({ READ_ACCESS: "open" });
  await expectEose(b, "q", {});
  expect((await b.publish(unique(bob)))[3]).toMatch(/^restricted: ./);
});

test("R-05-73 a call is refused with the reason if what it asks for would not hold after it", async () => {
  const { call } = managedRelay({ READ_ACCESS: "members", WRITE_ACCESS: "open" });
  expect(await call("allowpubkey", alice.pubkey)).toEqual(refused("restricted"));
  expect((await call("listallowedpubkeys")).result).toEqual([]);
  expect(await call("disallowkind", 62)).toEqual(refused("restricted"));
  expect(await call("allowkind", 22242)).toEqual(refused("invalid"));
  await call("banpubkey", bob.pubkey);
  expect(await call("grantadmin", bob.pubkey)).toEqual(refused("restricted"));
  const methods = ((await call("listaudit")).result as { method: string }[]).map(({ method }) => method);
  expect(methods).toEqual(["banpubkey"]);
});

test("R-05-72 a banned key leaves the allow list", async () => {
  const { call } = managedRelay();
  await call("allowpubkey", alice.pubkey);
  await call("banpubkey", alice.pubkey);
  expect((await call("listallowedpubkeys")).result).toEqual([]);
});

test("stats is what /api/stats gives, private kinds included, and the size of the database", async () => {
  const { call, login, fetch } = managedRelay();
  const a = await login(alice);
  await publishOne(a);
  await a.publish(unique(alice, { kind: 1059 }));
  const response = await fetch("/api/stats");
  const told = (await response.json()) as object;
  expect(told).toMatchObject({ connections: 1, events_total: 1, events_by_kind: { 1: 1 } });
  const { result } = await call("stats");
  expect(result).toMatchObject({ connections: 1, events_total: 2, events_by_kind: { 1: 1, 1059: 1 } });
  const { storage_bytes, ...rest } = result as { storage_bytes: number };
  expect(storage_bytes).toBeGreaterThan(10_000);
  expect(Object.keys(rest)).toEqual(Object.keys(told));
});

test("R-05-73 surplus params are ignored, and are not recorded", async () => {
  const { call } = managedRelay();
  expect(await call("allowkind", 1, "surplus", { any: "thing" })).toEqual(DONE);
  expect(await call("listallowedkinds", "", null, 5)).toEqual({ status: 200, result: [1] });
  expect((await call("listaudit")).result).toEqual([expect.objectContaining({ method: "allowkind", params: [1] })]);
});

test("lists are whole without params and come in pages with them", async () => {
  const { call } = managedRelay();
  const keys = Array.from({ length: 5 }, (_, n) => key(500 + n).pubkey).sort();
  for (const pubkey of keys) await call("banpubkey", pubkey);
  for (const kind of [30000, 1, 7, 10002]) await call("allowkind", kind);
  const listed = async (...params: unknown[]) =>
    ((await call("listbannedpubkeys", ...params)).result as { pubkey: string }[]).map(({ pubkey }) => pubkey);
  expect(await listed()).toEqual(keys);
  expect(await listed(2)).toEqual(keys.slice(0, 2));
  expect(await listed(2, keys[1])).toEqual(keys.slice(2, 4));
  expect(await listed(2, keys[3])).toEqual(keys.slice(4));
  expect(await listed("", keys[2])).toEqual(keys.slice(3));
  expect((await call("listallowedkinds")).result).toEqual([1, 7, 10002, 30000]);
  expect((await call("listallowedkinds", 2, 1)).result).toEqual([7, 10002]);
});

test("every change is recorded: who, when, what and why; refused calls and questions are not", async () => {
  const { call, as, restart } = managedRelay();
  await call("grantadmin", alice.pubkey, ["banpubkey", "listbannedpubkeys", "listaudit"]);
  await as(alice)("banpubkey", carol.pubkey, "spam");
  await call("listbannedpubkeys");
  await call("banpubkey", "nonsense");
  await call("banpubkey", admin.pubkey, "no");
  await call("changerelayname", "Renamed");
  await restart();
  const { result } = await as(alice)("listaudit");
  const entries = result as { position: number; at: number }[];
  expect(entries).toMatchObject([
    { pubkey: admin.pubkey, method: "changerelayname", params: ["Renamed", { was: "Nexus", is: "Renamed" }] },
    { pubkey: alice.pubkey, method: "banpubkey", params: [carol.pubkey, "spam"] },
    { pubkey: admin.pubkey, method: "grantadmin" },
  ]);
  for (const { at } of entries) expect(Math.abs(at - now())).toBeLessThan(60);
  const [, second, third] = entries;
  expect((await call("listaudit", entries[0].position, 1)).result).toEqual([second]);
  expect((await call("listaudit", second.position)).result).toEqual([third]);
});

test("R-05-73 a moderator whose record is full changes nothing more, and nothing of it is forgotten; an operator goes on", async () => {
  const { call, as, restart, database } = managedRelay();
  await call("grantadmin", alice.pubkey, ["banpubkey", "unbanevent"]);
  await as(alice)("banpubkey", carol.pubkey, "spite");
  await database((sql) =>
    sql.all(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
       INSERT INTO audit(at, pubkey, method, params) SELECT ?1, ?2, 'x', '[]' FROM n`,
      now(),
      alice.pubkey,
    ),
  );
  await restart();
  expect(await as(alice)("banpubkey", bob.pubkey)).toEqual(refused("rate-limited"));
  expect((await call("listbannedpubkeys")).result).toEqual([{ pubkey: carol.pubkey, reason: "spite" }]);
  expect(await call("changerelayname", "Still here")).toEqual(DONE);
  const rows = await database((sql) => sql.all("SELECT params FROM audit WHERE method = 'banpubkey'"));
  expect(rows).toEqual([[JSON.stringify([carol.pubkey, "spite"])]]);
});
