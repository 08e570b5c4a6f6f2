import type { Event } from "../../protocol/event.ts";
import type { Durations } from "../../protocol/job/durations.ts";
import type { JobState } from "../../protocol/job/profile.ts";

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
  isHour: (key: string) => key.startsWith("h:"),
  /** Jobs by kind and state; what is past its deadline has the state that it had. */
  state: (kind: number, state: JobState) => `s:${kind}:${state}`,
  /** Jobs whose request is stored, by kind and the place of the time to their first result. */
  result: (kind: number, place: number) => `t:${kind}:${place}`,
  /** Handlers by a kind that they are on record for. */
  handler: (kind: number) => `k:${kind}`,
};

/** Kinds, those with most, of which hours are kept, and of which durations are: what is kept is one row. */
const KINDS = 128;

/**
 * Adds changes at `now`, in seconds. Hours that nobody asks for are not counted, and what goes of something that was dropped
 * is not either. Returns what undoes it.
 */
export function tally(tallies: Tallies, changes: readonly TallyChange[], now: number): () => void {
  const sums: Tallies = new Map();
  for (const [key, change] of changes) sums.set(key, (sums.get(key) ?? 0) + change);
  const before: [key: string, count: number | undefined][] = [];
  for (const [key, change] of sums) {
    const known = tallies.get(key);
    if (change === 0 || isOver(key, now)) continue;
    if (change < 0 && known === undefined && (key.startsWith("h:") || key.startsWith("t:"))) continue;
    before.push([key, known]);
    set(tallies, key, (known ?? 0) + change);
  }
  return () => {
    for (const [key, count] of before) set(tallies, key, count ?? 0);
  };
}

function set(tallies: Tallies, key: string, count: number): void {
  if (count === 0) tallies.delete(key);
  else tallies.set(key, count);
}

/** Whether it is of an hour that nobody asks for at `now`, in seconds, or within a day. */
function isOver(key: string, now: number): boolean {
  if (!key.startsWith("h:")) return false;
  const behind = Math.floor(now / HOUR) - Number(key.split(":")[1]);
  return behind > HOURS || behind < -HOURS;
}

/** Drops what nobody asks for at `now`, in seconds: hours that are over, and hours and durations of the kinds with fewest. */
export function prune(tallies: Tallies, now: number): void {
  const byList = { h: new Map<string, number>(), t: new Map<string, number>() };
  const listOf = (key: string) => {
    const [list, a, b] = key.split(":");
    return list === "h" ? ([byList.h, String(b)] as const) : list === "t" ? ([byList.t, String(a)] as const) : [];
  };
  for (const [key, count] of tallies) {
    const [kinds, kind] = listOf(key);
    if (isOver(key, now)) tallies.delete(key);
    else if (kinds !== undefined) kinds.set(kind, (kinds.get(kind) ?? 0) + count);
  }
  for (const kinds of [byList.h, byList.t]) {
    const most = [...kinds].sort(([, a], [, b]) => b - a).slice(0, KINDS);
    kinds.clear();
    for (const [kind, count] of most) kinds.set(kind, count);
  }
  for (const key of tallies.keys()) {
    const [kinds, kind] = listOf(key);
    if (kinds !== undefined && !kinds.has(kind)) tallies.delete(key);
  }
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
