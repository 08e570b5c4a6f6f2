import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

/** What one pass has found and done, in pages of the log. */
export interface Pass {
  /** Pages in the log. */
  log: number;
  /** Of these, how many are in the database file. */
  done: number;
  error?: string;
}

/** Runs in a thread of its own: copies pages from the log into the database file whenever it is told to. */
const database = new DatabaseSync(workerData as string);
database.exec("PRAGMA synchronous=NORMAL; PRAGMA cache_size=-256");
const checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");

parentPort?.on("message", () => parentPort?.postMessage(pass()));

function pass(): Pass {
  try {
    const { log, checkpointed } = checkpoint.get() as { log: number; checkpointed: number };
    return { log, done: checkpointed };
  } catch (error) {
    return { log: 0, done: 0, error: String(error) };
  }
}
