import type { Level, Logger } from "../relay/ports.ts";

/** Lines with one message in one window; the others are counted. */
const MAX_LINES = 20;
const WINDOW_MS = 10_000;

/** Characters of one value. */
const MAX_VALUE = 300;

const LEVELS: readonly Level[] = ["error", "warn", "info"];

/** What is called with a line: where it goes is for the host to say. */
export type WriteLine = (line: string, level: Level) => void;

interface Window {
  sinceMs: number;
  lines: number;
  leftOut: number;
}

/**
 * The log of a host: one line for each report, as JSON or for reading. Keys and ids are shortened, values are cut, and of one
 * message there are no more than some lines in ten seconds: the next line tells how many were left out.
 */
export class Logbook {
  readonly #write: WriteLine;
  readonly #nowMs: () => number;
  readonly #windows = new Map<string, Window>();
  /** Read with each line. */
  settings: { readonly logLevel: Level } = { logLevel: "info" };
  format: "json" | "text" = "json";
  /** Failures that were reported, written or not. */
  errors = 0;

  constructor(write: WriteLine, nowMs: () => number = Date.now) {
    this.#write = write;
    this.#nowMs = nowMs;
  }

  readonly report: Logger = (message, details, level = "error") => {
    if (level === "error") this.errors++;
    if (LEVELS.indexOf(level) > LEVELS.indexOf(this.settings.logLevel)) return;
    const nowMs = this.#nowMs();
    const leftOut = this.#enter(message, nowMs);
    if (leftOut === undefined) return;
    const shown = { ...details, ...(leftOut > 0 ? { left_out: leftOut } : {}) };
    this.#write(this.#format(new Date(nowMs).toISOString(), level, message, shown), level);
  };

  /** How many lines of this message were left out before this one; undefined if this one is too. Messages are of the code. */
  #enter(message: string, nowMs: number): number | undefined {
    let window = this.#windows.get(message);
    let leftOut = 0;
    if (window === undefined || Math.abs(nowMs - window.sinceMs) >= WINDOW_MS) {
      leftOut = window?.leftOut ?? 0;
      window = { sinceMs: nowMs, lines: 0, leftOut: 0 };
      this.#windows.set(message, window);
    }
    if (window.lines < MAX_LINES) {
      window.lines++;
      return leftOut;
    }
    window.leftOut++;
    return undefined;
  }

  #format(time: string, level: Level, message: string, details: Record<string, unknown>): string {
    const entries = Object.entries(details).filter(([, value]) => value !== undefined);
    const shown = entries.map(([name, value]) => [name, shorten(value)] as const);
    if (this.format === "json") return JSON.stringify({ time, level, message, ...Object.fromEntries(shown) });
    const words = shown.map(([name, value]) => `${name}=${/^[\w.:/-]+$/.test(String(value)) ? value : quote(value)}`);
    return [time, level.padEnd(5), message, ...words].join(" ");
  }
}

/** Keys, ids and signatures by their beginning; everything else by its first characters. */
function shorten(value: unknown): unknown {
  if (typeof value === "number" || typeof value === "boolean") return value;
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  const short = text.slice(0, 10 * MAX_VALUE).replace(/[0-9a-f]{64,}/gi, (hex) => `${hex.slice(0, 8)}…`);
  return short.length > MAX_VALUE ? `${short.slice(0, MAX_VALUE)}…` : short;
}

/** On one line, and nothing that a terminal would obey: JSON escapes control characters but for those above ASCII. */
function quote(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
