import { guarded } from "./host.ts";
import type { NodeSql } from "./sql.ts";

/** A file may have so many free pages, or this share of all: new events take them. */
const MIN_FREE = 256;
const FREE_SHARE = 0.1;

/** Pages that one step gives back, which takes about a millisecond. */
const AT_ONCE = 64;

/** From a commit to the first step, and from step to step, in milliseconds. */
const WAIT_MS = 50;

/** Makes the database file shorter while it has too many free pages, behind, in bounded steps. */
export class FreePages {
  readonly #sql: NodeSql;
  readonly #isSyncing: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  #hasStopped = false;

  /** While `isSyncing`, commits had better wait. */
  constructor(sql: NodeSql, isSyncing: () => boolean) {
    this.#sql = sql;
    this.#isSyncing = isSyncing;
  }

  /** Something was committed. */
  committed(): void {
    if (this.#hasStopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      guarded("giving back free pages failed", () => this.#step());
    }, WAIT_MS).unref();
  }

  /** No more steps. */
  stop(): void {
    this.#hasStopped = true;
    clearTimeout(this.#timer);
  }

  #step(): void {
    const { all, free } = this.#sql.pages();
    if (free <= Math.max(MIN_FREE, all * FREE_SHARE)) return;
    if (this.#isSyncing()) this.committed();
    // It is a commit itself, so the next step follows.
    else this.#sql.giveBack(AT_ONCE);
  }
}
