import { existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DATABASE } from "../../src/hosts/node/main.ts";
import { SCHEMA_VERSION } from "../../src/store/schema.ts";
import { messageOf } from "../failure.ts";
import type { readSettings } from "../settings.mjs";
import { type Finding, ok, warning, wrong } from "./finding.ts";

/** Bytes of a database whose pages are all looked at; of a larger one the first. */
const MAX_CHECKED = 200_000_000;

/** File systems of other machines, by the number that the kernel gives them. */
const REMOTE: Readonly<Record<number, string>> = { 26985: "NFS", 4283649346: "CIFS", 4266872130: "SMB" };

/** A backup may be late by as much again. */
const LATE = 2;

/** Checks the database of a data directory, which a relay may have open. */
export function checkDatabase(directory: string): Finding[] {
  const path = join(directory, DATABASE);
  if (!existsSync(path)) return [];
  const remote = REMOTE[statfsSync(directory).type];
  const where =
    remote === undefined
      ? []
      : [
          wrong(
            "file system",
            `${directory} is on ${remote}`,
            "Put NEXUS_DATA_DIR on a disk of this machine: SQLite's log needs one.",
          ),
        ];
  const advice = "Stop the relay, and restore a backup (docs/backup.md).";
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const isSmall = statSync(path).size <= MAX_CHECKED;
      const [row] = database.prepare(isSmall ? "PRAGMA quick_check(1)" : "SELECT 'ok' FROM sqlite_schema").all();
      const found = String(Object.values(row ?? {})[0] ?? "ok");
      if (found !== "ok") return [...where, wrong("database", `${path}: ${found}`, advice)];
      const schema = Number(database.prepare("SELECT value FROM meta WHERE key = 'schema'").get()?.value);
      if (schema > SCHEMA_VERSION) {
        return [...where, wrong("database", `it is of a newer Nexus (schema ${schema})`, "Start the newer version.")];
      }
      return [...where, ok("database", `it can be read, schema ${schema}`)];
    } finally {
      database.close();
    }
  } catch (error) {
    return [...where, wrong("database", `${path}: ${messageOf(error)}`, advice)];
  }
}

/** Checks whether the backups that the settings ask for are there. */
export function checkBackups(backup: Awaited<ReturnType<typeof readSettings>>["backup"]): Finding[] {
  if (backup === undefined) {
    return [warning("backups", "none are made", "Set BACKUP_DIR to a directory for them (docs/backup.md).")];
  }
  const { directory, everySeconds } = backup;
  if (everySeconds === undefined) return [];
  let newestMs: number;
  try {
    newestMs = newestOf(directory);
  } catch (error) {
    return [wrong("backups", messageOf(error), "Set BACKUP_DIR to a directory that this user can read.")];
  }
  if (newestMs === 0) {
    return [
      warning("backups", `there is none in ${directory}`, "Start the relay, or send it SIGUSR2: it makes one at once."),
    ];
  }
  const age = Math.round((Date.now() - newestMs) / 1000);
  const text = `the newest is ${age < 7200 ? `${Math.round(age / 60)} minutes` : `${Math.round(age / 3600)} hours`} old`;
  return [
    age > LATE * everySeconds
      ? wrong("backups", text, "Look in the log for `backup failed`, and for room in BACKUP_DIR.")
      : ok("backups", text),
  ];
}

/** When the newest backup of a directory was made, in milliseconds; 0 if there is none. Throws if it cannot be read. */
function newestOf(directory: string): number {
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".sqlite")) : [];
  // Old ones go meanwhile.
  return Math.max(0, ...names.map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? 0));
}
