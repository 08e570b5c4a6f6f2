// @ts-check
// Runs in a thread of its own, and ends with the backup. It is JavaScript, as that of the checkpoints.
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { workerData } from "node:worker_threads";

/** Pages of one step; between two of them the thread can be ended. */
const PAGES = 2000;

const { path, target } = /** @type {{ path: string, target: string }} */ (workerData);
const part = `${target}.part`;
try {
  const database = new DatabaseSync(path);
  // As long as it reads, it sees one moment: without that the copy would begin anew whenever something is written.
  database.exec("BEGIN; SELECT 1 FROM meta");
  await backup(database, part, { rate: PAGES });
  database.close();
  chmodSync(part, 0o600);
  verify();
  sync(part);
  renameSync(part, target);
  sync(dirname(target));
} catch (error) {
  for (const name of [part, `${part}-wal`, `${part}-shm`, `${part}-journal`]) rmSync(name, { force: true });
  throw error;
}

/** Opens the copy as a relay would, checks its pages, and makes one file of it. */
function verify() {
  const copy = new DatabaseSync(part);
  copy.exec("PRAGMA journal_mode=DELETE");
  const { quick_check: verdict } = copy.prepare("PRAGMA quick_check(1)").get() ?? {};
  const { value: schema } = copy.prepare("SELECT value FROM meta WHERE key = 'schema'").get() ?? {};
  copy.close();
  if (verdict !== "ok" || schema === undefined) throw new Error(`the copy is no good: ${verdict}`);
}

/** @param {string} name */
function sync(name) {
  const file = openSync(name, "r");
  fsyncSync(file);
  closeSync(file);
}
