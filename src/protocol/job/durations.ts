/** Seconds up to which each has a place of its own, and places for each doubling beyond. */
const EXACT = 16;
const PER_DOUBLING = 8;

/** A sketch of durations: how many fell into each place. What was added can be taken away again. */
export type Durations = Map<number, number>;

/** The place of a duration: exact up to 16 seconds, then wide by an eighth of a power of two. */
export function placeOfDuration(seconds: number): number {
  if (seconds < EXACT) return seconds;
  const doublings = Math.floor(Math.log2(seconds / EXACT));
  const from = EXACT * 2 ** doublings;
  return EXACT + PER_DOUBLING * doublings + Math.floor(((seconds - from) / from) * PER_DOUBLING);
}

/** The shortest duration of a place, in seconds. */
export function durationOf(place: number): number {
  if (place < EXACT) return place;
  const [doublings, part] = [Math.floor((place - EXACT) / PER_DOUBLING), (place - EXACT) % PER_DOUBLING];
  return EXACT * 2 ** doublings * (1 + part / PER_DOUBLING);
}

/** The duration, in seconds, that a share of all do not exceed by more than an eighth; undefined of none. */
export function quantile(durations: ReadonlyMap<number, number>, share: number): number | undefined {
  const total = [...durations.values()].reduce((sum, count) => sum + count, 0);
  let left = Math.max(1, Math.ceil(share * total));
  for (const [place, count] of [...durations].sort(([a], [b]) => a - b)) {
    left -= count;
    if (left <= 0) return durationOf(place);
  }
  return undefined;
}
