import fc from "fast-check";
import { expect } from "vitest";
import { type Event, indexedTags } from "../../src/protocol/event.ts";
import { matches, parseFilter } from "../../src/protocol/filter.ts";
import { SearchText, searchTokens } from "../../src/protocol/search/search-text.ts";
import type { Filter } from "../support/client.ts";
import { fuzz } from "../support/fuzz.ts";
import { filterFaults, fullMatch, mayBeTooMuch, PRIVATE_KINDS, type Switches } from "../support/model/naive-filter.ts";
import { event, filterText } from "./filter-text.ts";

interface Input {
  text: string;
  events: Event[];
  switches: Switches;
}

function holds({ text, events, switches }: Input): void {
  const value = parseJson(text);
  if (value === undefined) return;
  const parsed = parseFilter(value, {
    andFilters: switches.and,
    search: switches.search ? { exceptKinds: new Set(PRIVATE_KINDS) } : undefined,
  });
  const faults = filterFaults(value, switches);
  if (!parsed.ok) {
    const allowed = mayBeTooMuch(value) ? [...faults, "invalid"] : faults;
    expect(allowed).toContain(parsed.reason.split(": ")[0]);
    return;
  }
  expect(faults).toEqual([]);
  for (const event of events) {
    const wanted = fullMatch(value as Filter, event);
    if (wanted !== undefined) expect(matches(parsed.value, event, indexedTags(event))).toBe(wanted);
  }
}

/** JSON alone reaches the parser; undefined for what is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

fuzz(
  "R-03-01 R-03-04 R-03-06 R-03-07 R-03-08 R-05-39 a filter is refused or matches as the rules say",
  fc.record({
    text: filterText,
    events: fc.array(event, { minLength: 1, maxLength: 8 }),
    switches: fc.record({ and: fc.boolean(), search: fc.boolean() }),
  }),
  holds,
);

/** A text answers the first questions by looking, further ones from an index of its words. */
function agree({ text, phrases }: { text: string; phrases: string[] }): void {
  for (const tokens of phrases.map(searchTokens)) {
    const fresh = new SearchText(text);
    const used = new SearchText(text);
    for (let n = 0; n < 10; n++) used.occurrences(["nothing"], 1);
    expect(fresh.occurrences(tokens, 100)).toBe(used.occurrences(tokens, 100));
  }
}

fuzz(
  "R-05-40 a text has a phrase as often by looking as by index",
  fc.record({
    text: event.map(({ content }) => content),
    phrases: fc.array(
      event.map(({ content }) => content.slice(0, 5)),
      { minLength: 1, maxLength: 5 },
    ),
  }),
  agree,
);
