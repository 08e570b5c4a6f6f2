/** Time between two looks at the progress, in milliseconds: on a terminal, and where every look is a line. */
const TERMINAL_MS = 200;
const LINE_MS = 10_000;

const WIDTH = 24;

/** Shows on stderr how far a long command is: a bar on a terminal, a line now and then elsewhere. */
export class ProgressMeter {
  readonly #begunMs = Date.now();
  readonly #isTerminal = process.stderr.isTTY === true;
  readonly #verb: string;
  #shownMs = Date.now();
  /** Events that had been moved before: they tell nothing about the rate. */
  readonly #before: number;
  readonly #shareBefore: number;

  /** `share` is how much of the work was done before, from 0 to 1. */
  constructor(verb: string, before = 0, share = 0) {
    this.#verb = verb;
    this.#before = before;
    this.#shareBefore = share;
  }

  /** So many events are moved. `share` of all work is done, from 0 to 1; undefined if nobody knows how much there is. */
  show(events: number, share: number | undefined): void {
    const nowMs = Date.now();
    if (nowMs - this.#shownMs < (this.#isTerminal ? TERMINAL_MS : LINE_MS)) return;
    this.#shownMs = nowMs;
    const seconds = (nowMs - this.#begunMs) / 1000;
    const parts = [
      `${this.#verb} ${events.toLocaleString("en")} events`,
      `${rateOf(events - this.#before, seconds)}/s`,
    ];
    if (share !== undefined && share > this.#shareBefore) {
      const left = ((1 - share) / (share - this.#shareBefore)) * seconds;
      parts.push(`${Math.floor(share * 100)} %`, `${timeOf(left)} left`);
    }
    const text = parts.join("  ");
    if (!this.#isTerminal) return void process.stderr.write(`${text}\n`);
    const filled = Math.round((share ?? 0) * WIDTH);
    process.stderr.write(`\r${"█".repeat(filled)}${"░".repeat(WIDTH - filled)}  ${text}\u001b[K`);
  }

  /** Says something in a line of its own. */
  say(text: string): void {
    this.clear();
    process.stderr.write(`${text}\n`);
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#isTerminal) process.stderr.write("\r\u001b[K");
  }

  get seconds(): number {
    return (Date.now() - this.#begunMs) / 1000;
  }
}

/** Events of a second, as people read them. */
export function rateOf(events: number, seconds: number): string {
  return Math.round(events / Math.max(seconds, 0.001)).toLocaleString("en");
}

function timeOf(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  return whole < 3600 ? `${Math.ceil(whole / 60)} min` : `${(whole / 3600).toFixed(1)} h`;
}
