// @ts-check
// Runs in a thread of its own. It is JavaScript, since what reads TypeScript would take 12 MB for this thread alone.
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

const database = new DatabaseSync(workerData);
database.exec("PRAGMA synchronous=NORMAL; PRAGMA cache_size=-256; PRAGMA busy_timeout=1000");
const checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");

// Whatever it is told, it copies pages from the log into the database file.
parentPort?.on("message", () => parentPort?.postMessage(pass()));

/** @returns {import("./checkpoints.ts").Pass} */
function pass() {
  try {
    const { log } = /** @type {{ log: number }} */ (/** @type {unknown} */ (checkpoint.get()));
    return { log, error: undefined };
  } catch (error) {
    return { log: 0, error: String(error) };
  }
}
