import { chmodSync, copyFileSync, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { DATABASE } from "../../src/hosts/node/main.ts";
import { lockDataDirectory } from "../data-lock.mjs";
import { Failure, messageOf } from "../failure.ts";
import type { Channel } from "./channel.ts";
import { refuseExisting } from "./output.ts";

const THREAD = fileURLToPath(new URL("../../src/hosts/node/backup-thread.mjs", import.meta.url));

/** Time between two questions whether a backup is made, in milliseconds. */
const ASK_MS = 250;

/** A file of SQLite that was opened and looked through. */
export interface Verified {
  file: string;
  bytes: number;
  events: number;
  schema: number;
}

/** Has a relay that runs on this machine back itself up, and puts the file in its place. */
export async function backUpRunning(channel: Channel, file: string): Promise<Verified> {
  refuseExisting(file);
  const { file: made, is_kept: isKept } = await channel.call<{ file: string; is_kept: boolean }>("makebackup");
  for (;;) {
    const { state, error } = await channel.call<{ state: string; error?: string }>("getbackup", made);
    if (state === "failed") throw new Failure(`the relay could not make the backup: ${error}`);
    if (state === "made") break;
    await sleep(ASK_MS);
  }
  if (!existsSync(made)) throw new Failure(`the backup is on the machine of the relay: ${made}`);
  const part = `${file}.part`;
  if (isKept) copyFileSync(made, part);
  else moveTo(made, part);
  return verifyAndName(part, file);
}

/** Backs up the data directory of a relay that does not run. */
export async function backUpStopped(directory: string, file: string): Promise<Verified> {
  refuseExisting(file);
  const path = await databaseOf(directory);
  const part = `${resolve(file)}.part`;
  const worker = new Worker(THREAD, { workerData: { path, target: part } });
  await new Promise<void>((done, failed) => {
    worker.once("error", (error) => failed(new Failure(`the backup failed: ${messageOf(error)}`)));
    worker.once("exit", () => done());
  });
  return verifyAndName(part, file);
}

/** Rewrites the database of a relay that does not run without its free pages. Returns the bytes before and after. */
export async function compact(directory: string): Promise<{ before: number; after: number }> {
  const path = await databaseOf(directory);
  const before = statSync(path).size;
  try {
    const database = new DatabaseSync(path);
    // A file of an early version cannot give back pages by itself; from now on it can.
    database.exec("PRAGMA secure_delete=ON; PRAGMA auto_vacuum=INCREMENTAL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
  } catch (error) {
    throw new Failure(`${path} cannot be rewritten, nothing is changed: ${messageOf(error)}`);
  }
  return { before, after: statSync(path).size };
}

/** The database of a directory, which from now on is this process's alone. */
async function databaseOf(directory: string): Promise<string> {
  const path = join(resolve(directory), DATABASE);
  if (!existsSync(path)) throw new Failure(`there is no data of a relay in ${directory}`);
  await lockDataDirectory(resolve(directory));
  return path;
}

function moveTo(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // It is on another disk.
    copyFileSync(from, to);
    rmSync(from);
  }
}

/** Opens a backup as a reader would, and only then gives it its name. */
function verifyAndName(part: string, file: string): Verified {
  chmodSync(part, 0o600);
  const database = new DatabaseSync(part, { readOnly: true });
  try {
    const { quick_check: verdict } = database.prepare("PRAGMA quick_check(1)").get() ?? {};
    if (verdict !== "ok") throw new Failure(`the backup is no good: ${verdict}`);
    const { events } = database.prepare("SELECT count(*) AS events FROM event").get() as { events: number };
    const { schema } = database.prepare("SELECT value AS schema FROM meta WHERE key = 'schema'").get() as {
      schema: string;
    };
    database.close();
    renameSync(part, file);
    return { file, bytes: statSync(file).size, events, schema: Number(schema) };
  } finally {
    if (database.isOpen) database.close();
  }
}
