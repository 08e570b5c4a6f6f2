import type { Logger } from "../../relay/ports.ts";

/** What is synced: the WAL file of the database. */
export interface SyncFile {
  /** Calls back when all that was written before is on the disk, or with why it is not. */
  sync(done: (error: Error | null) => void): void;
}

/**
 * Lets nothing leave that the disk could still lose: what is sent after a commit waits for one sync of the WAL file, in order.
 * The sync runs beside the loop; what is committed meanwhile shares the next one. If nothing was committed, nothing waits.
 */
export class SyncGate {
  readonly #file: SyncFile;
  readonly #report: Logger;
  readonly #failed: () => void;
  readonly #synced: () => void;
  /** What waits for the sync under way. */
  #waiting: (() => void)[] = [];
  /** What waits for the next one: something was committed after the one under way had begun. */
  #gathered: (() => void)[] = [];
  #isDirty = false;
  #isSyncing = false;
  #hasFailed = false;

  /**
   * `failed` is called once, when a sync has failed: what waits never leaves, and nothing can be acknowledged any more.
   * `synced` is called after each that has not.
   */
  constructor(file: SyncFile, report: Logger, failed: () => void, synced: () => void = () => {}) {
    this.#file = file;
    this.#report = report;
    this.#failed = failed;
    this.#synced = synced;
  }

  /** A sync is under way. */
  get isSyncing(): boolean {
    return this.#isSyncing;
  }

  /** Something was committed, and its sync has not begun. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Something was committed: what leaves from now on waits until it is on the disk. */
  committed(): void {
    this.#isDirty = true;
  }

  /** Calls `leave` when all that has been committed is on the disk, at once if it is. `leave` must not throw. */
  pass(leave: () => void): void {
    if (this.#hasFailed) return;
    if (!this.#isSyncing && !this.#isDirty) return leave();
    (this.#isDirty ? this.#gathered : this.#waiting).push(leave);
    if (!this.#isSyncing) this.#sync();
  }

  #sync(): void {
    this.#waiting = this.#gathered;
    this.#gathered = [];
    this.#isDirty = false;
    this.#isSyncing = true;
    this.#file.sync((error) => {
      this.#isSyncing = false;
      // The kernel forgets what it could not write: a second try would succeed without it.
      if (error !== null) {
        this.#hasFailed = true;
        this.#report("the disk does not keep what is written: the relay stops", { error: String(error) });
        return this.#failed();
      }
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const leave of waiting) leave();
      this.#synced();
      if (this.#gathered.length > 0) this.#sync();
    });
  }
}
