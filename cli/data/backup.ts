import { chmodSync, constants, copyFileSync, existsSync, lstatSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
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

/** How a relay names its backups: no answer of one, which may be another machine's, makes this command touch other files. */
const NAME = /^nexus-\d{8}T\d{6}Z\.sqlite$/;

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
  if (typeof made !== "string" || !NAME.test(basename(made)))
    throw new Failure("the relay names a file that is no backup: it is left alone");
  for (;;) {
    const { state, error } = await channel.call<{ state: string; error?: string }>("getbackup", made);
    if (state === "failed") throw new Failure(`the relay could not make the backup: ${error}`);
    if (state === "made") break;
    await sleep(ASK_MS);
  }
  if (lstatSync(made, { throwIfNoEntry: false })?.isFile() !== true)
    throw new Failure(`the backup is on the machine of the relay: ${made}`);
  const part = `${file}.part`;
  try {
    rmSync(part, { force: true });
    copyFileSync(made, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const verified = verifyAndName(part, file);
    // Not before it is known for a backup: another machine's relay may name a file of this one.
    if (!isKept) rmSync(made);
    return verified;
  } catch (error) {
    rmSync(part, { force: true });
    throw error instanceof Failure ? error : new Failure(`${file} cannot be written: ${messageOf(error)}`);
  }
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

/** Opens a backup as a reader would, and only then gives it its name; removes what is none. Throws a {@link Failure}. */
function verifyAndName(part: string, file: string): Verified {
  chmodSync(part, 0o600);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(part, { readOnly: true });
    const { quick_check: verdict } = database.prepare("PRAGMA quick_check(1)").get() ?? {};
    if (verdict !== "ok") throw new Error(String(verdict));
    const { events } = database.prepare("SELECT count(*) AS events FROM event").get() as { events: number };
    const { schema } = database.prepare("SELECT value AS schema FROM meta WHERE key = 'schema'").get() as {
      schema: string;
    };
    database.close();
    renameSync(part, file);
    return { file, bytes: statSync(file).size, events, schema: Number(schema) };
  } catch (error) {
    rmSync(part, { force: true });
    throw new Failure(`the backup is no good: ${messageOf(error)}`);
  } finally {
    if (database?.isOpen) database.close();
  }
}
