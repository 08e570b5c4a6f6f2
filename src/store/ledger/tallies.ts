import type { Event } from "../../protocol/event.ts";
import type { Durations } from "../../protocol/job/durations.ts";
import type { JobState } from "../../protocol/job/state.ts";

/** Numbers about jobs by what they count, see {@link tallyKey}. */
export type Tallies = Map<string, number>;
export type TallyChange = readonly [key: string, change: number];

const HOUR = 3600;

/** Hours of which events are counted: a day, and the hours at both of its ends. */
const HOURS = 26;

/** What is counted. */
export const tallyKey = {
  /** Events about jobs by the hour in which they were made, and kind. */
  hour: ({ created_at, kind }: Pick<Event, "created_at" | "kind">) => `h:${Math.floor(created_at / HOUR)}:${kind}`,
  /** Jobs by kind and state; what is past its deadline has the state that it had. */
  state: (kind: number, state: JobState) => `s:${kind}:${state}`,
  /** Jobs whose request is stored, by kind and the place of the time to their first result. */
  result: (kind: number, place: number) => `t:${kind}:${place}`,
  /** Handlers by a kind that they are on record for. */
  handler: (kind: number) => `k:${kind}`,
};

/** Adds changes. What goes of an hour that was dropped is not counted any more. */
export function tally(tallies: Tallies, changes: readonly TallyChange[]): void {
  for (const [key, change] of changes) {
    if (change < 0 && key.startsWith("h:") && !tallies.has(key)) continue;
    const count = (tallies.get(key) ?? 0) + change;
    if (count === 0) tallies.delete(key);
    else tallies.set(key, count);
  }
}

/** Those that may still be asked for at `now`, in seconds: hours that are over are dropped. */
export function current(tallies: Tallies, now: number): Tallies {
  const first = Math.floor(now / HOUR) - HOURS;
  return new Map([...tallies].filter(([key]) => !key.startsWith("h:") || Number(key.split(":")[1]) >= first));
}

/** Tallies as they are asked for. */
export interface JobNumbers {
  /** Events about jobs of the last 24 hours, by kind: whole hours, so up to one hour more. */
  readonly day: Map<number, number>;
  readonly states: Map<number, Map<JobState, number>>;
  /** By kind of request. */
  readonly results: Map<number, Durations>;
  readonly handlers: Map<number, number>;
}

/** What the tallies say at `now`, in seconds. */
export function numbersOf(tallies: Tallies, now: number): JobNumbers {
  const numbers: JobNumbers = { day: new Map(), states: new Map(), results: new Map(), handlers: new Map() };
  const first = Math.floor((now - 24 * HOUR) / HOUR);
  for (const [key, count] of tallies) {
    const [list, a, b] = key.split(":");
    const [number, second] = [Number(a), Number(b)];
    if (list === "h" && number >= first) numbers.day.set(second, (numbers.day.get(second) ?? 0) + count);
    if (list === "k") numbers.handlers.set(number, count);
    if (list === "t") {
      const results: Durations = numbers.results.get(number) ?? new Map();
      numbers.results.set(number, results.set(second, count));
    }
    if (list === "s") {
      const states = numbers.states.get(number) ?? new Map<JobState, number>();
      numbers.states.set(number, states.set(b as JobState, count));
    }
  }
  return numbers;
}
