import { signal } from "@preact/signals";
import { callAll } from "../api/management.ts";
import { pubkey, sign } from "../session/session.ts";

/** How often values were in which range; the last count is of what is above all bounds. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** What the method `metrics` answers (R-08-14). */
export type Metrics = Readonly<Record<string, number | Readonly<Record<string, number>> | Histogram>>;

/** The numbers at a moment, in Unix seconds. */
export interface Sample {
  readonly at: number;
  readonly metrics: Metrics;
}

/** Samples that the page keeps. */
const MAX_SAMPLES = 600;

/** They stay while somebody looks at other pages. */
export const samples = signal<readonly Sample[]>([]);

/** Asks for one more sample. Throws `ApiError`. */
export async function takeSample(): Promise<void> {
  const { result } = await callAll<Metrics>(sign, "metrics", []);
  const before = samples.peek();
  const isOfOther = before.at(-1)?.metrics.start_time_seconds !== result.start_time_seconds;
  // Counters of a relay that was started again begin again.
  samples.value = [...(isOfOther ? [] : before), { at: Date.now() / 1000, metrics: result }].slice(-MAX_SAMPLES);
}

// What one key was told is for no other.
pubkey.subscribe(() => {
  samples.value = [];
});

/** A gauge or counter; the sum over all labels; of a histogram how many. */
export function numberOf(metrics: Metrics, name: string): number {
  const value = metrics[name];
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  return isHistogram(value) ? sum(value.counts) : sum(Object.values(value));
}

/** How much a counter has grown in each second between two samples. */
export function rateOf(name: string, before: Sample, now: Sample): number {
  const seconds = now.at - before.at;
  return seconds <= 0 ? 0 : Math.max(0, numberOf(now.metrics, name) - numberOf(before.metrics, name)) / seconds;
}

/** The value that a part of what came between two samples does not exceed: the upper end of its range. Null for nothing. */
export function quantileOf(name: string, part: number, before: Sample, now: Sample): number | null {
  const [was, is] = [before.metrics[name], now.metrics[name]];
  if (was === undefined || is === undefined || !isHistogram(was) || !isHistogram(is)) return null;
  const fresh = is.counts.map((count, i) => count - (was.counts[i] ?? 0));
  const all = sum(fresh);
  let seen = 0;
  for (const [i, count] of fresh.entries()) {
    seen += count;
    if (all > 0 && seen >= part * all) return is.bounds[i] ?? (is.bounds.at(-1) as number);
  }
  return null;
}

function isHistogram(value: Metrics[string]): value is Histogram {
  return typeof value === "object" && "bounds" in value;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
