import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { copyFile, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { Backups } from "../../src/hosts/node/backups.ts";
import { openSql } from "../../src/hosts/node/sql.ts";
import { alice, unique } from "../support/keys.ts";
import { openClient, startServer, until } from "../support/server.ts";

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "nexus-backup-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const backupsIn = (path: string) => readdirSync(path).filter((name) => name.endsWith(".sqlite"));

/** A database of some rows with a `meta` table, and its backups. */
function place(keep = 7) {
  const [data, target] = [directory(), join(directory(), "backups")];
  const path = join(data, "a.sqlite");
  const sql = openSql(path);
  sql.all("CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY) STRICT");
  sql.all("INSERT INTO meta VALUES('schema', '1')");
  sql.all("CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)");
  const [lines, reading]: [string[], boolean[]] = [[], []];
  const settings = { directory: target, everySeconds: 86_400, keep };
  const backups = new Backups(
    path,
    settings,
    (message, { error }) => void lines.push(error === undefined ? message : `${message}: ${error}`),
    (isReading) => void reading.push(isReading),
  );
  onTestFinished(async () => {
    await backups.stop();
    sql.close();
  });
  return { sql, backups, target, lines, reading };
}

test("the first backup is made at the start; it is one file for its owner alone, and has what was written", async () => {
  const { sql, backups, target, lines, reading } = place();
  sql.all("INSERT INTO t VALUES(1, zeroblob(100))");
  backups.start();
  await until("a backup is made", () => lines.length > 0);
  expect(lines).toEqual(["backup made"]);
  expect(reading).toEqual([true, false]);
  const [name = ""] = readdirSync(target);
  expect(readdirSync(target)).toHaveLength(1);
  expect(statSync(join(target, name)).mode & 0o777).toBe(0o600);
  expect(statSync(target).mode & 0o777).toBe(0o700);
  const copy = new DatabaseSync(join(target, name), { readOnly: true });
  expect(copy.prepare("SELECT count(*) AS count FROM t").get()).toEqual({ count: 1 });
  copy.close();
});

test("a backup taken while rows are written is of one moment, and does not begin anew for them", async () => {
  const { sql, backups, target, lines } = place();
  const insert = "INSERT INTO t(b) VALUES(randomblob(2000))";
  // Pairs: no moment has an odd number.
  const pair = () =>
    sql.transaction(() => {
      sql.all(insert);
      sql.all(insert);
    });
  for (let i = 0; i < 2000; i++) pair();
  backups.start();
  backups.make();
  let written = 0;
  await until("a backup is made", () => {
    for (let i = 0; i < 20; i++, written++) pair();
    return lines.length > 0;
  });
  expect(lines).toEqual(["backup made"]);
  const [name = ""] = backupsIn(target);
  const copy = new DatabaseSync(join(target, name), { readOnly: true });
  const { count } = copy.prepare("SELECT count(*) AS count FROM t").get() as { count: number };
  copy.close();
  expect(count % 2).toBe(0);
  expect(count).toBeGreaterThanOrEqual(4000);
  expect(count).toBeLessThanOrEqual(4000 + 2 * written);
});

test("the oldest go beyond BACKUP_KEEP, what is no backup stays, and what was left half made goes", async () => {
  const { backups, target, lines } = place(2);
  const source = openSql(join(directory(), "old.sqlite"));
  source.close();
  backups.start();
  await until("a backup is made", () => lines.length === 1);
  const [first = ""] = backupsIn(target);
  for (const year of [2001, 2002, 2003]) {
    await copyFile(join(target, first), join(target, `nexus-${year}0101T000000Z.sqlite`));
  }
  await copyFile(join(target, first), join(target, "mine.sqlite"));
  await copyFile(join(target, first), join(target, "nexus-20040101T000000Z.sqlite.part"));
  rmSync(join(target, first));
  backups.make();
  await until("another is made", () => lines.length === 2);
  const names = readdirSync(target).sort();
  expect(names).toEqual(["mine.sqlite", "nexus-20030101T000000Z.sqlite", expect.stringMatching(/^nexus-20[2-9]/)]);
});

test("what cannot be verified is no backup, and the log says why", async () => {
  const { sql, backups, target, lines } = place();
  sql.all("DELETE FROM meta");
  backups.start();
  await until("it is told", () => lines.length > 0);
  expect(lines).toEqual([expect.stringMatching(/^backup failed: .*no good/)]);
  expect(readdirSync(target)).toEqual([]);
});

test("SIGUSR2 makes a backup of the running relay, from which another starts; one of today is not made again", async () => {
  const target = join(directory(), "backups");
  const server = await startServer({ BACKUP_DIR: target });
  onTestFinished(() => server.stop());
  await until("the first is made", () => backupsIn(target).length === 1 && server.output().includes("backup made"));
  const client = await openClient(server.url);
  await client.auth(alice, server.url);
  const event = unique(alice);
  expect((await client.publish(event))[2]).toBe(true);
  client.close();
  await server.restart();
  await until(
    "it is not a second later",
    () => Date.now() - statSync(join(target, backupsIn(target)[0] ?? "")).mtimeMs > 1000,
  );
  expect(backupsIn(target)).toHaveLength(1);
  process.kill(server.pid(), "SIGUSR2");
  await until("a second is made", () => backupsIn(target).length === 2);
  const restored = await mkdtemp(join(tmpdir(), "nexus-restored-"));
  onTestFinished(() => rmSync(restored, { recursive: true, force: true }));
  await copyFile(join(target, backupsIn(target).sort().at(-1) ?? ""), join(restored, "nexus.sqlite"));
  const other = await startServer({ NEXUS_DATA_DIR: restored });
  onTestFinished(() => other.stop());
  const reader = await openClient(other.url);
  await reader.auth(alice, other.url);
  expect(await reader.query({ ids: [event.id] })).toEqual([event]);
  reader.close();
});

test("SIGUSR2 without BACKUP_DIR ends nothing and says why there is no backup", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  process.kill(server.pid(), "SIGUSR2");
  await until("it is told", () => server.output().includes("No backup is made: BACKUP_DIR is not set."));
  expect((await fetch(`${server.httpUrl}/health/live`)).status).toBe(200);
});

test("a BACKUP_DIR that cannot be written refuses the start", async () => {
  const env = { ...process.env, BACKUP_DIR: "/dev/null/backups", NEXUS_DATA_DIR: directory(), PORT: "19999" };
  const start = promisify(execFile)(process.execPath, ["cli/start.mjs"], { env });
  await expect(start).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^The directory of backups \/dev\/null\/backups cannot be written: ENOTDIR. Set BACKUP_DIR./,
    ),
  });
});
