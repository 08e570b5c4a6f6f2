import type { Filter } from "../../protocol/filter.ts";

/** A string takes as much memory as so many values, one for each 64 characters. */
const CHARACTERS_OF_VALUE = 64;
/** What a filter takes besides its values, and a subscription besides its filters, in values of some 220 bytes. */
const FILTER = 2;
const SUBSCRIPTION = 4;
const SEARCH = 8;

/** What the filters of one subscription take in memory, counted in values (an author, a kind, a tag value…). */
export function countValues(filters: readonly Filter[]): number {
  let count = SUBSCRIPTION;
  for (const { ids, authors, kinds, anyOf, allOf, search } of filters) {
    count += FILTER + (ids?.size ?? 0) + (authors?.size ?? 0) + (kinds?.size ?? 0);
    for (const [, values] of [...anyOf, ...allOf]) for (const value of values) count += sizeOfString(value);
    if (search !== undefined) count += SEARCH;
  }
  return count;
}

function sizeOfString(text: string): number {
  return Math.max(1, Math.ceil(text.length / CHARACTERS_OF_VALUE));
}
