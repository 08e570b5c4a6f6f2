import type { Event } from "../event.ts";
import { COST } from "../work.ts";
import { foldText, tokensOf } from "./tokens.ts";

/** Characters of an event's text that are searched, counted as UTF-16 units before and after normalization. */
const MAX_TEXT = 32_768;

/** Depth of JSON in which text values are found. */
const MAX_DEPTH = 8;

/** Kinds whose content is JSON (R-05-39): profiles and handlers. */
const JSON_KINDS: ReadonlySet<number> = new Set([0, 31990]);

/**
 * The tokens of a text in order: runs of letters, marks and numbers, and each emoji by itself. Compatible forms and
 * both cases are one; variation selectors are left out. Every character of a token is an ASCII letter or digit or
 * beyond ASCII, which is what the index of the store takes for one. Text beyond the first {@link MAX_TEXT} characters
 * is left out, before and after it is folded.
 */
export function searchTokens(text: string): string[] {
  return tokensOf(foldText(text.slice(0, MAX_TEXT), MAX_TEXT));
}

/** Units of work that {@link searchTokens} takes for a text. */
export function foldingCost(text: string): number {
  return Math.min(text.length, MAX_TEXT) * (PLAIN.test(text) ? COST.plainCharacter : COST.searchCharacter);
}

/** What is searched of an event: its content, for kinds whose content is JSON the text values in it (R-05-39). */
export function searchableText({ kind, content }: Event): string {
  if (!JSON_KINDS.has(kind)) return content;
  try {
    const values: string[] = [];
    addTexts(JSON.parse(content), 1, values);
    return values.join("\n");
  } catch {
    return content;
  }
}

/** Adds the text values of a JSON value, depth first. */
function addTexts(value: unknown, depth: number, values: string[]): void {
  if (typeof value === "string") values.push(value);
  else if (typeof value === "object" && value !== null && depth <= MAX_DEPTH) {
    for (const member of Object.values(value)) addTexts(member, depth + 1, values);
  }
}

/** Questions that are answered by looking through a text; further ones are worth an index of its tokens. */
const MAX_LOOKS = 8;

/** Tokens that are compared for one phrase in one text: beyond, further indexes of its rarest token are not looked at. */
const MAX_COMPARED = 4096;

/** All of it is ASCII, so that its tokens are runs of letters and digits. */
const PLAIN = /^[\0-\x7f]*$/;

/** A text made ready for queries. */
export class SearchText {
  /** UTF-16 units that are searched. */
  readonly length: number;
  /** Units of work that were done on it (`work.ts`). */
  spent = 0;
  readonly #text: string;
  /** In lower case, if the text is {@link PLAIN}. */
  readonly #plain: string | undefined;
  #looks = 0;
  #tokens: readonly string[] = [];
  /** Where each token occurs, in ascending order. */
  #indexes: ReadonlyMap<string, readonly number[]> | undefined;

  constructor(text: string) {
    this.#text = text.slice(0, MAX_TEXT);
    this.length = this.#text.length;
    this.spent += COST.look + this.length * COST.rowCharacter;
    this.#plain = PLAIN.test(this.#text) ? this.#text.toLowerCase() : undefined;
  }

  /** How often the tokens of a phrase stand here one after the other, up to `most`. */
  occurrences(phrase: readonly string[], most: number): number {
    const [token] = phrase;
    if (token === undefined) return 0;
    if (this.#plain !== undefined && phrase.length === 1 && this.#looks++ < MAX_LOOKS) {
      this.spent += COST.match + this.length * COST.rowCharacter;
      return countRuns(this.#plain, token, most);
    }
    return this.#countIndexed(phrase, most);
  }

  #countIndexed(phrase: readonly string[], most: number): number {
    if (this.#indexes === undefined) {
      this.#tokens = searchTokens(this.#text);
      this.#indexes = indexesOf(this.#tokens);
      this.spent += foldingCost(this.#text) + this.#tokens.length * COST.entry;
    }
    this.spent += COST.match * phrase.length;
    let anchor = 0;
    let candidates: readonly number[] | undefined;
    for (const [i, token] of phrase.entries()) {
      const found = this.#indexes.get(token);
      if (found === undefined) return 0;
      if (candidates !== undefined && candidates.length <= found.length) continue;
      anchor = i;
      candidates = found;
    }
    if (candidates === undefined || phrase.length === 1) return Math.min(candidates?.length ?? 0, most);
    let count = 0;
    let compared = 0;
    for (const index of candidates) {
      let i = 0;
      while (i < phrase.length && this.#tokens[index - anchor + i] === phrase[i]) i++;
      if (i === phrase.length && ++count === most) break;
      compared += i + 1;
      if (compared > MAX_COMPARED) break;
    }
    this.spent += compared * COST.compare;
    return count;
  }
}

/** How often `token` is a whole run of letters and digits of an ASCII text in lower case. */
function countRuns(text: string, token: string, most: number): number {
  let count = 0;
  for (let at = text.indexOf(token); at >= 0 && count < most; at = text.indexOf(token, at + token.length)) {
    if (!isWordly(text.charCodeAt(at - 1)) && !isWordly(text.charCodeAt(at + token.length))) count++;
  }
  return count;
}

/** Whether it is the code of an ASCII digit or small letter. */
function isWordly(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 122);
}

function indexesOf(tokens: readonly string[]): Map<string, number[]> {
  const indexes = new Map<string, number[]>();
  for (const [index, token] of tokens.entries()) {
    const known = indexes.get(token);
    if (known === undefined) indexes.set(token, [index]);
    else known.push(index);
  }
  return indexes;
}

/** An event is checked against many filters; its text is looked at once, and not at all if no filter has a search. */
const KNOWN = new WeakMap<Event, SearchText>();

/** Units of work that were done on the text of an event by {@link searchTextOf}. */
export function searchWorkOf(event: Event): number {
  return KNOWN.get(event)?.spent ?? 0;
}

/** The text of an event, computed at the first need. */
export function searchTextOf(event: Event): SearchText {
  const known = KNOWN.get(event);
  if (known !== undefined) return known;
  const text = new SearchText(searchableText(event));
  KNOWN.set(event, text);
  return text;
}
