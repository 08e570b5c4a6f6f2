import { expect, test } from "vitest";
import { alice, bob, carol, key, now, signed, unique } from "../../support/keys.ts";
import type { Answer } from "../../support/manage.ts";
import { DONE, managedRelay, SAME } from "../../support/managed.ts";
import { self } from "../../support/member-relay.ts";

type Call = (method: string, ...params: unknown[]) => Promise<Answer>;
type Rows = (string | number)[][];

const TABLES = ["access", "audit", "tombstone", "address_tombstone", "vanished"];
const SECRET = Buffer.from(self.secret).toString("hex");
const BUNDLE = "a bundle";

async function rowsOf(call: Call, table: string): Promise<Rows> {
  const rows: Rows = [];
  for (let after: unknown; ; ) {
    const { rows: some, next } = (await call("exportstate", table, after)).result as { rows: Rows; next?: unknown };
    rows.push(...some);
    if (next === undefined) return rows;
    after = next;
  }
}

/** Members as they are while nobody comes or goes. */
function settled(members: unknown): object[] {
  return (members as object[]).map((member) => ({ ...member, last_seen_at: undefined, connected: undefined }));
}

/** Moves everything from one relay to another, as `nexus bundle` and `nexus restore` do. */
async function move(from: Call, to: Call): Promise<void> {
  const { self: own, private_kinds: kinds } = (await from("exportstate")).result as {
    self?: string;
    private_kinds: number[];
  };
  const { events } = (await from("exportevents", 0, kinds)).result as { events: string };
  expect(await to("beginrestore", BUNDLE)).toEqual(DONE);
  const give = async (table: string) => {
    expect(await to("importstate", table, await rowsOf(from, table))).toEqual(DONE);
  };
  for (const table of TABLES.slice(0, 2)) await give(table);
  expect((await to("importevents", events)).result).toMatchObject({ refused: [] });
  for (const table of TABLES.slice(2)) await give(table);
  expect(await to("endrestore", BUNDLE, own)).toEqual(DONE);
}

test("R-05-81 a relay is moved with its members, roles, invites, bans, lists, settings, deletions and audit list", async () => {
  const settings = { RELAY_SECRET_KEY: SECRET };
  const [from, to] = [managedRelay(settings), managedRelay(settings)];
  const { call } = from;
  const client = await from.login(alice);
  await call("createrole", "mod", "Moderator");
  await call("assignrole", bob.pubkey, "mod");
  await call("addmember", alice.pubkey);
  await call("banpubkey", carol.pubkey, "spam");
  await call("allowkind", 30_023);
  await call("blockip", "203.0.113.7");
  await call("grantadmin", bob.pubkey, ["banpubkey"]);
  await call("changerelayname", "Moved");
  await call("setsetting", "MAX_SUBSCRIPTIONS", 7);
  const [gone, kept, address] = [unique(alice), unique(alice), { kind: 30_023, tags: [["d", "x"]] }];
  const article = unique(alice, address);
  for (const event of [gone, kept, article]) expect((await client.publish(event))[2]).toBe(true);
  await client.publish(
    unique(alice, {
      kind: 5,
      tags: [
        ["e", gone.id],
        ["a", `30023:${alice.pubkey}:x`],
      ],
    }),
  );
  const left = now() - 3;
  const leaver = await from.login(key(77));
  await leaver.publish(signed(key(77), { kind: 62, tags: [["relay", "ALL_RELAYS"]], created_at: left }));
  // That a member was here is moved, too.
  (await from.login(alice)).close();
  const before = { events: await client.query({}), members: settled((await call("listmembers")).result) };
  expect(before.members).toHaveLength(2);
  await move(call, to.call);

  const moved = await to.login(alice);
  expect(await moved.query({})).toEqual(await client.query({}));
  const members = settled((await to.call("listmembers")).result);
  expect(members).toEqual(before.members);
  for (const method of [
    "listroles",
    "listinvites",
    "listbannedpubkeys",
    "listblockedips",
    "listallowedkinds",
    "listadmins",
    "listsettings",
  ]) {
    expect([method, (await to.call(method)).result]).toEqual([method, (await call(method)).result]);
  }
  for (const table of ["access", "tombstone", "address_tombstone", "vanished"]) {
    expect(await rowsOf(to.call, table)).toEqual(await rowsOf(call, table));
  }
  const params = (rows: Rows) => rows.map(([, at, by, method, given]) => JSON.stringify([at, by, method, given]));
  expect(params(await rowsOf(to.call, "audit"))).toEqual(expect.arrayContaining(params(await rowsOf(call, "audit"))));
  // It holds as it did: what was deleted does not come back, nor who is banned.
  expect((await moved.publish(gone))[3]).toMatch(/^blocked: deleted/);
  expect((await moved.publish(article))[3]).toMatch(/^blocked: deleted/);
  expect((await (await to.login(carol)).publish(unique(carol)))[3]).toMatch(/^blocked: /);
  const returned = await to.login(key(77));
  expect((await returned.publish(signed(key(77), { created_at: left - 1 })))[3]).toMatch(/^blocked: .*vanish/);
  const name = (relay: typeof to) =>
    relay.fetch("/", { headers: { Accept: "application/nostr+json" } }).then((r) => r.json());
  expect(((await name(to)) as { name: string }).name).toBe("Moved");
  await to.restart();
  expect(settled((await to.call("listmembers")).result)).toEqual(before.members);
  expect(before.events.length).toBeGreaterThan(2);
});

test("R-05-81 with another key of its own the relay says anew who its members are", async () => {
  const [from, to] = [managedRelay({ RELAY_SECRET_KEY: SECRET }), managedRelay({ RELAY_SECRET_KEY: "7".repeat(64) })];
  await from.call("addmember", alice.pubkey);
  const about = (await from.call("exportstate")).result as { self: string };
  expect(about.self).toBe(self.pubkey);
  await to.call("beginrestore", BUNDLE);
  await to.call("importstate", "access", await rowsOf(from.call, "access"));
  await to.call("endrestore", BUNDLE, about.self);
  const [list] = await (await to.login(bob)).query({ kinds: [13_534] });
  expect(list?.pubkey).not.toBe(self.pubkey);
  expect(list?.tags).toContainEqual(["member", alice.pubkey]);
});

test("R-05-81 only an empty relay is restored into, and one bundle at a time", async () => {
  const { call, login, as } = managedRelay();
  const refused = { status: 200, result: null, error: expect.stringMatching(/^restricted: /) };
  expect(await call("importstate", "access", [])).toEqual(refused);
  expect(await call("endrestore", BUNDLE)).toEqual(refused);
  expect(await call("beginrestore", BUNDLE)).toEqual(DONE);
  await call("importstate", "access", [["banned-pubkey", bob.pubkey, "spam"]]);
  // One that was interrupted goes on.
  expect(await call("beginrestore", BUNDLE)).toEqual(SAME);
  expect(await call("beginrestore", "another")).toEqual(refused);
  expect(await call("endrestore", BUNDLE)).toEqual(DONE);
  expect(await call("beginrestore", BUNDLE)).toEqual(refused);
  const other = managedRelay();
  await (await other.login(alice)).publish(unique(alice));
  expect(await other.call("beginrestore", BUNDLE)).toEqual(refused);
  for (const method of ["exportstate", "importstate", "beginrestore", "endrestore"]) {
    expect((await as(alice)(method)).status).toBe(403);
  }
  await login(alice);
});

test.for([
  ["access", [["spent", "x", "y"]]],
  ["access", [["signing", "self", alice.pubkey]]],
  ["access", [["member", alice.pubkey, "no JSON"]]],
  ["access", [["member", alice.pubkey]]],
  ["access", [["setting", "RELAY_URL", "wss://other.example"]]],
  ["access", [["setting", "MAX_LIMIT", "many"]]],
  ["audit", [[1, "now", alice.pubkey, "m", "[]"]]],
  ["tombstone", [[alice.pubkey, "id", 1]]],
  ["address_tombstone", [["xyz", 1, 1]]],
  ["vanished", [[alice.pubkey, "1"]]],
  ["event", []],
  ["access", Array.from({ length: 1001 }, () => ["setting", "RELAY_NAME", "x"])],
  ["access", "rows"],
] as const)("R-05-81 rows that are none of their table are refused: %j", async ([table, rows]) => {
  const { call } = managedRelay();
  await call("beginrestore", BUNDLE);
  expect((await call("importstate", table, rows)).error).toMatch(/^invalid: /);
  expect((await call("importstate", table, rows, true)).error).toMatch(/^invalid: /);
});

test("R-05-81 a trial of rows that are right writes nothing, and needs no restore that has begun", async () => {
  const { call } = managedRelay();
  expect(await call("importstate", "access", [["banned-pubkey", bob.pubkey, "spam"]], true)).toEqual(DONE);
  expect((await call("listbannedpubkeys")).result).toEqual([]);
  expect((await call("importstate", "access", [], "yes")).error).toMatch(/^invalid: /);
  expect(await call("beginrestore", BUNDLE)).toEqual(DONE);
});
