import type { Event } from "nostr-tools/pure";
import type { Filter } from "../client.ts";
import { faultsOf, naiveMatch, valuesOf } from "./naive-rules.ts";

/** Filters with all that can be switched on, in plainest form: what `naive-rules.ts` has, and `&` and `search`. */

export interface Switches {
  and: boolean;
  search: boolean;
}

type Fault = "invalid" | "unsupported";

/** R-05-28, R-05-40. */
export const PRIVATE_KINDS = [4, 13, 14, 15, 1059, 21059];

/** Prefixes with which a value must be refused as a filter; none if it must be taken, unless it {@link mayBeTooMuch}. */
export function filterFaults(value: unknown, { and, search }: Switches): Fault[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return ["invalid"];
  return Object.entries(value).flatMap(([key, wanted]): Fault[] => {
    if (key === "search" && search) return isQuery(wanted) ? [] : ["invalid"];
    const letter = /^&([a-zA-Z])$/.exec(key)?.[1];
    const name = letter === undefined || !and ? key : `#${letter}`;
    const faults = faultsOf({ [name]: wanted });
    // What is too deep inside something unknown may be refused for either (M-16).
    if (faults.includes("unsupported") && typeof wanted === "object") return ["unsupported", "invalid"];
    const isWellFormed =
      !Array.isArray(wanted) || wanted.every((item) => typeof item !== "string" || item.isWellFormed());
    return faults.length > 0 || isWellFormed ? faults : ["invalid"];
  });
}

function isQuery(query: unknown): boolean {
  return typeof query === "string" && query.isWellFormed() && [...query].length <= 256;
}

/** Whether a search may have more terms than the relay takes. */
export function mayBeTooMuch(value: unknown): boolean {
  const search = (value as Filter | null)?.search;
  return typeof search === "string" && (search.length > 64 || search.split(/\s+/).length > 16);
}

/** All conditions but `limit`; undefined where the reference does not say what a word is (R-05-39). */
export function fullMatch(filter: Filter, event: Event): boolean | undefined {
  const { search, ...others } = filter;
  if (!otherMatch(others, event)) return false;
  return search === undefined ? true : naiveSearch(search as string, event);
}

/** R-03-06: values that must all be there leave the list of those of which one must be; an emptied list asks nothing. */
function otherMatch(filter: Filter, event: Event): boolean {
  return Object.entries(filter).every(([key, wanted]) => {
    if (key.startsWith("&")) {
      const values = valuesOf(event, key.slice(1));
      // R-03-04: an empty list matches nothing.
      return Array.isArray(wanted) && wanted.length > 0 && wanted.every((value) => values.includes(value));
    }
    if (!key.startsWith("#")) return naiveMatch({ [key]: wanted }, event);
    const all = (filter[`&${key.slice(1)}`] ?? []) as string[];
    const left = (wanted as string[]).filter((value) => !all.includes(value));
    return (left.length === 0 && (wanted as string[]).length > 0) || naiveMatch({ [key]: left }, event);
  });
}

/** R-05-39, R-05-40; for ASCII alone. */
function naiveSearch(query: string, event: Event): boolean | undefined {
  const words = query.split(/\s+/).filter((word) => word !== "" && !/^[a-z0-9_-]+:[a-z0-9_.-]+$/i.test(word));
  if (words.length === 0) return true;
  if (PRIVATE_KINDS.includes(event.kind)) return false;
  const text = searchedText(event);
  if (/[^\0-\x7f]/.test(query + text)) return undefined;
  const phrases = words.map(spaced).filter((phrase) => phrase !== " ");
  return phrases.length > 0 && phrases.every((phrase) => spaced(text).includes(phrase));
}

/** The words of a text in order, with a space before and after each. */
function spaced(text: string): string {
  return ` ${(text.toLowerCase().match(/[a-z0-9]+/g) ?? []).map((word) => `${word} `).join("")}`;
}

function searchedText({ kind, content }: Event): string {
  if (kind !== 0 && kind !== 31990) return content;
  try {
    return strings(JSON.parse(content)).join("\n");
  } catch {
    return content;
  }
}

function strings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(strings) : [];
}
