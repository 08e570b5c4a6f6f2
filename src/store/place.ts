/**
 * The place of an event in the order of R-03-10, as hex that sorts in that order: 7 bytes of inverted created_at, then
 * the id. A prefix of 7 bytes stands before all events of its second.
 */
export function placeOf(createdAt: number, id: string): string {
  return placeOfTime(createdAt) + id;
}

/** Where the events of a second begin. Times that no event can have are taken as the nearest that matters. */
export function placeOfTime(createdAt: number): string {
  const bounded = Math.min(Math.max(createdAt, -1), Number.MAX_SAFE_INTEGER);
  return (Number.MAX_SAFE_INTEGER - bounded).toString(16).padStart(TIME_DIGITS, "0");
}

/** Unix seconds of a place. */
export function timeOfPlace(place: string): number {
  return Number.MAX_SAFE_INTEGER - Number.parseInt(place.slice(0, TIME_DIGITS), 16);
}

/** Hex id of a place, in the case that the place has. */
export function idOfPlace(place: string): string {
  return place.slice(TIME_DIGITS);
}

const TIME_DIGITS = 14;
