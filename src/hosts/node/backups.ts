import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { accept } from "../../protocol/reason.ts";
import type { Logger } from "../../relay/ports.ts";
import type { Action } from "../assemble.ts";

/** Of the files that a directory of backups may have, those that are backups. Their names are in the order of their times. */
const NAME = /^nexus-\d{8}T\d{6}Z\.sqlite$/;

/** What was left by a backup that did not come to its end. */
const LEFT = /^nexus-\d{8}T\d{6}Z\.sqlite\.part(-\w+)?$/;

/** Wait after a backup has failed, and the longest that the timer is set to, in milliseconds. */
const RETRY_MS = 60_000;
const LONGEST_MS = 3_600_000;

export interface BackupSettings {
  directory: string;
  /** Undefined makes none but those that somebody asks for. */
  everySeconds?: number | undefined;
  /** The newest that are kept. */
  keep: number;
}

/** Backups of a relay that runs: in a thread of its own, at their times and when they are asked for. */
export class Backups {
  readonly #path: string;
  readonly #settings: BackupSettings;
  readonly #report: Logger;
  readonly #reading: (isReading: boolean) => void;
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasStopped = false;
  /** The file that is being made, and why others could not be. */
  #target: string | undefined;
  readonly #failures = new Map<string, string>();

  /** `reading` is told when the thread begins and ends to read the database at `path`: meanwhile its log cannot begin anew. */
  constructor(path: string, settings: BackupSettings, report: Logger, reading: (isReading: boolean) => void) {
    this.#path = path;
    this.#settings = settings;
    this.#report = report;
    this.#reading = reading;
  }

  /** Makes the directory, and sets the time of the next backup: it counts from the newest that is there. */
  start(): void {
    this.#makeDirectory();
    this.#arm(0);
  }

  /** Begins a backup for somebody who asks for its state later: the file that is being made, or has just been made. */
  ask(): string {
    this.#makeDirectory();
    const file = this.#target ?? join(this.#settings.directory, nameOf(new Date()));
    this.#failures.delete(file);
    this.make();
    return this.#target ?? file;
  }

  /** What has become of a file that {@link ask} has told; undefined if it has told none. */
  stateOf(file: string): { state: "running" | "made" } | { state: "failed"; error: string } | undefined {
    if (dirname(file) !== this.#settings.directory || !NAME.test(basename(file))) return undefined;
    const error = this.#failures.get(file);
    if (error !== undefined) return { state: "failed", error };
    if (file === this.#target) return { state: "running" };
    return existsSync(file) ? { state: "made" } : undefined;
  }

  #makeDirectory(): void {
    mkdirSync(this.#settings.directory, { recursive: true, mode: 0o700 });
  }

  /** Begins a backup, unless one is under way. What goes wrong is reported. */
  make(): void {
    if (this.#hasStopped || this.#worker !== undefined) return;
    const begunMs = Date.now();
    const target = join(this.#settings.directory, nameOf(new Date(begunMs)));
    // Another within the same second would be the same.
    if (existsSync(target)) return this.#arm(1000);
    this.#remove(LEFT, 0);
    const worker = new Worker(new URL("./backup-thread.mjs", import.meta.url), {
      workerData: { path: this.#path, target },
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 },
    });
    this.#worker = worker;
    this.#target = target;
    this.#reading(true);
    let failure: unknown;
    worker.on("error", (error) => {
      failure = error;
    });
    worker.on("exit", () => {
      this.#worker = undefined;
      this.#target = undefined;
      this.#reading(false);
      if (this.#hasStopped) return;
      if (failure !== undefined) this.#failures.set(target, String(failure));
      if (failure !== undefined) this.#report("backup failed", { file: target, error: String(failure) });
      else this.#made(target, Date.now() - begunMs);
      this.#arm(failure === undefined ? 0 : RETRY_MS);
    });
  }

  /** Ends what is under way; no more backups. */
  async stop(): Promise<void> {
    this.#hasStopped = true;
    clearTimeout(this.#timer);
    await this.#worker?.terminate();
  }

  #made(file: string, milliseconds: number): void {
    this.#report("backup made", { file, bytes: statSync(file).size, milliseconds }, "info");
    this.#remove(NAME, this.#settings.keep);
  }

  /** Removes all files of such a name but for the newest. */
  #remove(name: RegExp, keep: number): void {
    const { directory } = this.#settings;
    const found = namesIn(directory, name);
    for (const old of found.slice(0, Math.max(0, found.length - keep))) rmSync(join(directory, old), { force: true });
  }

  #arm(leastMs: number): void {
    clearTimeout(this.#timer);
    const { directory, everySeconds } = this.#settings;
    // Only those that somebody asks for are made.
    if (everySeconds === undefined) return;
    const newest = namesIn(directory, NAME).at(-1);
    const sinceMs = newest === undefined ? 0 : statSync(join(directory, newest)).mtimeMs;
    // One of the future is of a clock that was set back.
    const dueMs = Math.min(sinceMs, Date.now()) + everySeconds * 1000 - Date.now();
    const isDue = dueMs <= LONGEST_MS;
    const next = () => (isDue ? this.make() : this.#arm(0));
    this.#timer = setTimeout(next, Math.max(leastMs, Math.min(dueMs, LONGEST_MS))).unref();
  }
}

function namesIn(directory: string, name: RegExp): string[] {
  return readdirSync(directory)
    .filter((file) => name.test(file))
    .sort();
}

function nameOf(time: Date): string {
  return `nexus-${time.toISOString().replace(/[-:]|\.\d+/g, "")}.sqlite`;
}

/** What the management of this host can do about backups: the path of the file is of this machine. `isKept`: it is one of the scheduled ones. */
export function backupActions(backups: Backups, isKept: boolean): Record<string, Action> {
  return {
    makebackup: { isChange: true, run: async () => accept({ file: backups.ask(), is_kept: isKept }) },
    getbackup: {
      isChange: false,
      run: async ([file]) =>
        accept(backups.stateOf(String(file)) ?? { state: "failed", error: "there is no such backup" }),
    },
  };
}
