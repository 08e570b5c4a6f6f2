import type { Event } from "../event.ts";
import { accept, type Result, refuse } from "../reason.ts";
import { exceedsCharacters } from "../text.ts";
import { type SearchText, searchTextOf, searchTokens } from "./search-text.ts";

/** What a `search` asks for (NIP-50). */
export interface SearchQuery {
  /** The words that were asked for, without the extensions. */
  readonly text: string;
  /** All must be there; the tokens of each stand one after the other. None, and nothing matches. */
  readonly terms: readonly (readonly string[])[];
  /** Private kinds are never searched (R-05-40), not even by their parties. */
  readonly exceptKinds: ReadonlySet<number>;
}

/** Code points of a query. */
const MAX_QUERY = 256;
const MAX_TERMS = 16;
/** Tokens of all terms together. */
const MAX_TOKENS = 64;

/** `language:en`, `domain:example.com`: extensions of NIP-50, of which this relay knows none. A URL is not one. */
const EXTENSION = /^[\p{L}\p{M}\p{N}_-]+:[\p{L}\p{M}\p{N}_.-]+$/u;

/** Parses a query (R-05-39); undefined if nothing but extensions was asked for, which is no condition. */
export function parseSearch(query: unknown, exceptKinds: ReadonlySet<number>): Result<SearchQuery | undefined> {
  if (typeof query !== "string") return refuse("invalid: search is not a string");
  if (!query.isWellFormed()) return refuse("invalid: search has a lone surrogate");
  if (exceedsCharacters(query, MAX_QUERY)) return refuse(`invalid: search is longer than ${MAX_QUERY} characters`);
  const words = query.split(/\s+/u).filter((word) => word !== "" && !EXTENSION.test(word));
  if (words.length === 0) return accept(undefined);
  const phrases = words.map(searchTokens).filter((tokens) => tokens.length > 0);
  // Words without a letter, like a dash, are nothing to look for; if there are no others, there is nothing to find.
  const terms = [...new Map(phrases.map((tokens) => [tokens.join(" "), tokens])).values()];
  if (terms.length > MAX_TERMS) return refuse(`invalid: search has more than ${MAX_TERMS} terms`);
  if (terms.flat().length > MAX_TOKENS) return refuse(`invalid: search has more than ${MAX_TOKENS} words and symbols`);
  return accept({ text: words.join(" "), terms, exceptKinds });
}

/** Whether an event is found by a query: the same for stored and live events (R-05-40). */
export function matchesSearch(query: SearchQuery, event: Event): boolean {
  return scoreSearch(query, event) > 0;
}

/** Saturation, influence of length, and a usual length in characters: those of BM25. */
const K1 = 1.2;
const B = 0.75;
const USUAL_LENGTH = 300;

/** More occurrences do not raise the score. */
const MAX_COUNTED = 100;

/**
 * How well an event answers a query; 0 if it does not match. As BM25, but without weights for rare terms: all terms are
 * there in every match. It depends on nothing but the event and the query. Without `text` that of the event is kept for
 * the next query.
 */
export function scoreSearch(query: SearchQuery, event: Event, text?: SearchText): number {
  if (query.terms.length === 0 || query.exceptKinds.has(event.kind)) return 0;
  return scoreText(query, text ?? searchTextOf(event));
}

function scoreText(query: SearchQuery, text: SearchText): number {
  const damping = K1 * (1 - B + (B * text.length) / USUAL_LENGTH);
  let score = 0;
  for (const term of query.terms) {
    const count = text.occurrences(term, MAX_COUNTED);
    if (count === 0) return 0;
    score += (count * (K1 + 1)) / (count + damping);
  }
  return score;
}
