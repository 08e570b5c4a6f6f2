import { existsSync, readdirSync, statSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Signer } from "../../bench/signer.ts";
import { startServer } from "../support/server.ts";
import { openPlace, operator, type Place } from "./command.ts";

let place: Place;

beforeAll(async () => {
  place = await openPlace({ RELAY_SECRET_KEY: "" });
});

afterAll(() => place.end());

const signer = new Signer(5);
let serial = 0;

const some = (count: number, content = "") =>
  Array.from({ length: count }, () =>
    JSON.stringify(
      signer.sign({ kind: 1, created_at: 1_700_000_000 + ++serial, tags: [], content: `${serial} ${content}` }),
    ),
  ).join("\n");

interface Made {
  bytes: number;
  events: number;
}

interface Exported {
  events: number;
  digest: string;
}

/** A relay that starts on a backup; what it exports. */
async function startedOn(file: string): Promise<Exported> {
  const directory = await mkdtemp(join(tmpdir(), "nexus-restored-"));
  await copyFile(join(place.directory, file), join(directory, "nexus.sqlite"));
  const server = await startServer({ RELAY_PUBKEY: operator.pubkey, NEXUS_DATA_DIR: directory });
  try {
    const { stdout } = await place.nexus(["--json", "export", `${file}.jsonl`], { env: { NEXUS_RELAY: server.url } });
    return JSON.parse(stdout) as Exported;
  } finally {
    await server.stop();
    await rm(directory, { recursive: true });
  }
}

test("a backup of a running relay is one checked file of one moment, from which another relay starts", async () => {
  await place.nexus(["import"], { input: some(300) });
  const [made, imported] = await Promise.all([
    place.json<Made>("backup", "one.sqlite"),
    place.nexus(["import"], { input: some(600) }),
  ]);
  expect(imported.code).toBe(0);
  expect(made.events).toBeGreaterThanOrEqual(300);
  expect(statSync(join(place.directory, "one.sqlite")).mode & 0o777).toBe(0o600);
  expect((await startedOn("one.sqlite")).events).toBe(made.events);
  // It leaves nothing behind, also where its file cannot be written, and replaces nothing.
  expect(await place.nexus(["backup", "none/one.sqlite"])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: none\/one.sqlite cannot be written/),
  });
  expect(readdirSync(join(place.server.dataDirectory, "backups"))).toEqual([]);
  expect((await place.nexus(["backup", "one.sqlite"])).stderr).toMatch(/there already/);
  const audit = await place.json<{ method: string }[]>("audit");
  expect(audit.map(({ method }) => method)).toContain("makebackup");
});

test("where BACKUP_DIR is set, the relay keeps the backup there too", async () => {
  const backups = await mkdtemp(join(tmpdir(), "nexus-backups-"));
  const server = await startServer({ RELAY_PUBKEY: operator.pubkey, BACKUP_DIR: backups, BACKUP_EVERY: "31536000" });
  try {
    const { code } = await place.nexus(["backup", "two.sqlite"], { env: { NEXUS_RELAY: server.url } });
    expect(code).toBe(0);
    expect(readdirSync(backups).filter((name) => name.endsWith(".sqlite")).length).toBeGreaterThan(0);
    expect(existsSync(join(place.directory, "two.sqlite"))).toBe(true);
  } finally {
    await server.stop();
    await rm(backups, { recursive: true });
  }
});

test("a stopped relay is backed up and compacted from its directory; a running one says that it needs neither", async () => {
  const server = await startServer({ RELAY_PUBKEY: operator.pubkey });
  const env = { NEXUS_RELAY: server.url };
  const data = server.dataDirectory;
  try {
    await place.nexus(["import"], { env, input: some(150, "x".repeat(3000)) });
    const before = await place.nexus(["--json", "export", "three.jsonl"], { env });
    const busy = await place.nexus(["compact", "--data", data]);
    expect(busy).toMatchObject({ code: 1, stderr: expect.stringMatching(/it gives back free pages by itself/) });
    await place.nexus(["ban", signer.pubkey], { env });
    await server.kill("SIGTERM");
    const made = await place.json<Made>("backup", "--data", data, "three.sqlite");
    expect(made.events).toBe(150);
    const result = await place.json<{ before: number; after: number }>("compact", "--data", data);
    expect(result.after).toBeLessThanOrEqual(result.before);
    await server.restart();
    await place.nexus(["unban", signer.pubkey], { env });
    const after = await place.nexus(["--json", "export", "four.jsonl"], { env });
    expect(JSON.parse(after.stdout).digest).toBe(JSON.parse(before.stdout).digest);
  } finally {
    await server.stop();
  }
});

test("bookmarks are Cloudflare's: on Node there are none", async () => {
  const { code, stderr } = await place.nexus(["bookmark", "show"]);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/does not offer this key the method getbookmark.*\n.*nexus backup/),
  ]);
});
