import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { SCHEMA_VERSION } from "../../src/store/schema.ts";
import { admin, alice, bob, carol } from "../support/keys.ts";
import { openClient, startServer } from "../support/server.ts";

/**
 * A data directory that an earlier version has written (schema 5, the last before erasures that are left unfinished): seven
 * events of alice and bob, one of which deletes another, one of which is private; carol is banned; the relay has a name.
 */
const EARLIER = fileURLToPath(new URL("./data/schema-5.sqlite.gz", import.meta.url));

function earlierData(): string {
  const directory = mkdtempSync(join(tmpdir(), "nexus-upgrade-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, "nexus.sqlite"), gunzipSync(readFileSync(EARLIER)));
  return directory;
}

function schemaIn(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const { value } = database.prepare("SELECT value FROM meta WHERE key = 'schema'").get() as { value: string };
  database.close();
  return Number(value);
}

test("the data of the earlier version is served as it was, and a copy of it is kept", async () => {
  const directory = earlierData();
  const server = await startServer({
    NEXUS_DATA_DIR: directory,
    RELAY_PUBKEY: admin.pubkey,
    // Its events are of a day that passes.
    RETENTION: "0-65535:0",
  });
  onTestFinished(() => server.stop());
  expect(server.output()).toContain("database copied before its migration");
  const a = await openClient(server.url);
  await a.auth(alice, server.url);
  const contents = async (filter: unknown) => (await a.query(filter)).map(({ content }) => content).sort();
  expect(await contents({})).toEqual([
    "",
    "an article",
    "pears are ripe",
    "sealed",
    "the harvest of the orchard",
    '{"name":"alice"}',
  ]);
  expect(await contents({ search: "orchard" })).toEqual(["the harvest of the orchard"]);
  expect(await contents({ "#t": ["pears"], authors: [bob.pubkey] })).toEqual(["pears are ripe"]);
  a.close();
  const c = await openClient(server.url);
  await c.auth(carol, server.url);
  const { end } = await c.req("banned", {});
  expect(end).toEqual(["CLOSED", "banned", expect.stringMatching(/^blocked: /)]);
  c.close();
  const page = await fetch(server.httpUrl, { headers: { Accept: "application/nostr+json" } });
  expect(((await page.json()) as { name: string }).name).toBe("Orchard");
  const copy = join(directory, "nexus.sqlite.schema-5");
  expect([schemaIn(copy), statSync(copy).mode & 0o777]).toEqual([5, 0o600]);
  await server.restart();
  expect(server.output()).not.toContain("database copied");
  expect(readdirSync(directory).filter((name) => name.includes("schema-"))).toEqual(["nexus.sqlite.schema-5"]);
  await server.kill("SIGTERM");
  expect(schemaIn(join(directory, "nexus.sqlite"))).toBe(SCHEMA_VERSION);
});

test("a new data directory has no copy", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  expect(readdirSync(server.dataDirectory).filter((name) => name.includes("schema-"))).toEqual([]);
});
