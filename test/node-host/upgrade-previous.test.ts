import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { admin, alice, bob, carol } from "../support/keys.ts";
import { caller } from "../support/manage.ts";
import { openClient, startServer } from "../support/server.ts";

/** See data/README.md. */
const PREVIOUS = fileURLToPath(new URL("./data/schema-11.sqlite.gz", import.meta.url));

/** What is in the tables of a database that an operator cannot make again. */
function contentOf(path: string): Record<string, unknown[]> {
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = ["event", "tag", "tombstone", "access", "audit"];
  const content = tables.map((table) => [table, database.prepare(`SELECT * FROM ${table}`).all()] as const);
  const schema = database.prepare("SELECT value FROM meta WHERE key = 'schema'").all();
  database.close();
  return { ...Object.fromEntries(content), schema };
}

test("data of the previous version: members, bans, settings, counts and queries are right, and the copy is what was", async () => {
  const directory = mkdtempSync(join(tmpdir(), "nexus-previous-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "nexus.sqlite");
  writeFileSync(path, gunzipSync(readFileSync(PREVIOUS)));
  const before = contentOf(path);
  const server = await startServer({
    NEXUS_DATA_DIR: directory,
    RELAY_PUBKEY: admin.pubkey,
    RELAY_SECRET_KEY: "7".repeat(64),
    // Its events are of a day that passes.
    RETENTION: "0-65535:0",
  });
  onTestFinished(() => server.stop());
  const call = caller((_, init) => fetch(`${server.httpUrl}/`, init), admin, `${server.httpUrl}/`);
  const members = (await call("listmembers")).result as { pubkey: string; roles: string[] }[];
  expect(members.map(({ pubkey, roles }) => [pubkey, roles])).toEqual(
    [
      [alice.pubkey, ["agent"]],
      [bob.pubkey, []],
    ].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
  expect((await call("listbannedpubkeys")).result).toEqual([{ pubkey: carol.pubkey, reason: "spam" }]);
  expect((await call("getsetting", "RELAY_NAME")).result).toMatchObject({ value: "Orchard", source: "stored" });
  expect((await call("getsetting", "RELAY_DESCRIPTION")).result).toMatchObject({ value: "of fruit", source: "stored" });
  expect((await call("listadmins")).result).toContainEqual({ pubkey: bob.pubkey, methods: ["stats"] });
  expect((await call("listaudit")).result).toHaveLength(before.audit?.length ?? 0);
  const a = await openClient(server.url);
  await a.auth(alice, server.url);
  expect(await a.ask(["COUNT", "c", { kinds: [1] }])).toEqual(["COUNT", "c", { count: 21 }]);
  expect((await a.ask(["COUNT", "c", { "#t": ["fruit"] }]))[2]).toMatchObject({ count: 20 });
  expect(await a.query({ search: "apples", limit: 100 })).toHaveLength(20);
  expect(await a.query({ kinds: [1059] })).toHaveLength(1);
  expect((await a.query({ kinds: [13534] })).map(({ tags }) => JSON.stringify(tags).includes(bob.pubkey))).toEqual([
    true,
  ]);
  a.close();
  const c = await openClient(server.url);
  await c.auth(carol, server.url);
  expect((await c.req("banned", {})).end[2]).toMatch(/^blocked: /);
  c.close();
  await server.kill("SIGTERM");
  // The version before reads the copy as it read its own data.
  expect(contentOf(`${path}.schema-11`)).toEqual(before);
});
