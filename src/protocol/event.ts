import { kindClass } from "./kind.ts";
import { accept, type Reason, type Result, refuse } from "./reason.ts";
import { isHex64, isHex128, nestsTooDeep } from "./text.ts";

/** A NIP-01 event: exactly its seven members, with the shapes of reference section 2.1. */
export interface Event {
  id: string;
  pubkey: string;
  created_at: number;
  kind: number;
  tags: string[][];
  content: string;
  sig: string;
}

const MEMBERS = 7;
export const MAX_KIND = 65535;

/**
 * Checks the shape of an event (R-02-01, number table of 1.5) and drops unknown members (R-01-17).
 * Says nothing about the truth of id and signature, nor about sizes.
 */
export function parseEvent(value: unknown): Result<Event> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return invalid("event is not an object");
  const event = value as Record<string, unknown>;
  const { id, pubkey, created_at, kind, tags, content, sig } = event;
  if (!isHex64(id)) return invalid("id is not 64 lowercase hex digits");
  if (!isHex64(pubkey)) return invalid("pubkey is not 64 lowercase hex digits");
  if (!Number.isSafeInteger(created_at) || (created_at as number) < 0) {
    return invalid("created_at is not a whole number of seconds");
  }
  if (!Number.isInteger(kind) || (kind as number) < 0 || (kind as number) > MAX_KIND) {
    return invalid("kind is not a whole number from 0 to 65535");
  }
  if (typeof content !== "string") return invalid("content is not a string");
  if (!isHex128(sig)) return invalid("sig is not 128 lowercase hex digits");
  const fault = checkTags(tags);
  if (fault !== undefined) return refuse(fault);
  if (!content.isWellFormed()) return invalid("content has a lone surrogate");
  if (Object.keys(event).length > MEMBERS && nestsTooDeep(event, 2)) return invalid("nested too deep");
  return accept({
    id,
    pubkey,
    // Adding zero turns -0 into 0, which is how it is hashed and stored.
    created_at: (created_at as number) + 0,
    kind: (kind as number) + 0,
    tags: tags as string[][],
    content,
    sig,
  });
}

function checkTags(tags: unknown): Reason | undefined {
  if (!Array.isArray(tags)) return "invalid: tags is not an array";
  for (const tag of tags) {
    if (!Array.isArray(tag)) return "invalid: a tag is not an array";
    for (const item of tag) {
      if (typeof item !== "string") return "invalid: a tag holds something that is not a string";
      if (!item.isWellFormed()) return "invalid: a tag has a lone surrogate";
    }
  }
  return undefined;
}

function invalid(text: string): { ok: false; reason: Reason } {
  return refuse(`invalid: ${text}`);
}

/**
 * The two JSON texts of an event: what is hashed for its id (R-02-06) and what is stored and sent.
 * `JSON.stringify` writes the escapes that R-02-07 and R-02-08 ask for.
 */
export function serializeEvent(event: Event): { hashed: string; raw: string } {
  const { id, pubkey, created_at, kind, sig } = event;
  const tags = JSON.stringify(event.tags);
  const content = JSON.stringify(event.content);
  return {
    hashed: `[0,"${pubkey}",${created_at},${kind},${tags},${content}]`,
    raw: `{"id":"${id}","pubkey":"${pubkey}","created_at":${created_at},"kind":${kind},"tags":${tags},"content":${content},"sig":"${sig}"}`,
  };
}

/** The id of an event, from the text that {@link serializeEvent} made of it. */
export function idOfRaw(raw: string): string {
  return raw.slice(RAW_ID, RAW_ID + 64);
}

const RAW_ID = '{"id":"'.length;

/** Its author, from the same text. */
export function authorOfRaw(raw: string): string {
  return raw.slice(RAW_AUTHOR, RAW_AUTHOR + 64);
}

const RAW_AUTHOR = RAW_ID + 64 + '","pubkey":"'.length;

/** When it was made, in seconds, from the same text. */
export function timeOfRaw(raw: string): number {
  return Number.parseInt(raw.slice(RAW_TIME, RAW_TIME + TIME_DIGITS), 10);
}

const RAW_TIME = RAW_AUTHOR + 64 + '","created_at":'.length;
/** Of the largest safe integer. */
const TIME_DIGITS = 16;

/** Its kind, from the same text. */
export function kindOfRaw(raw: string): number {
  const at = raw.indexOf(KIND_MEMBER, RAW_TIME) + KIND_MEMBER.length;
  return Number.parseInt(raw.slice(at, at + KIND_DIGITS), 10);
}

const KIND_MEMBER = ',"kind":';
/** Of the largest kind. */
const KIND_DIGITS = 5;

/** A tag that filters can ask for: a single letter and the value in second place (R-03-02). */
export type IndexedTag = readonly [letter: string, value: string];

/** An event, and its {@link indexedTags}. */
export interface TaggedEvent {
  readonly event: Event;
  readonly tags: readonly IndexedTag[];
}

/**
 * The distinct indexed tags of an event. A `d` tag without value counts as the empty string (R-02-03), and so
 * does a missing `d` on an addressable kind (R-04-05).
 */
export function indexedTags(event: Event): IndexedTag[] {
  const found: IndexedTag[] = [];
  const seen = new Set<string>();
  let hasD = false;
  for (const tag of event.tags) {
    const name = tag[0];
    if (name === undefined || name.length !== 1 || !isTagLetter(name)) continue;
    if (name === "d") hasD = true;
    const value = tag[1] ?? (name === "d" ? "" : undefined);
    if (value === undefined) continue;
    // A letter is one unit long: no two tags are taken for the same.
    const key = name + value;
    if (seen.has(key)) continue;
    seen.add(key);
    found.push([name, value]);
  }
  if (!hasD && kindClass(event.kind) === "addressable") found.push(["d", ""]);
  return found;
}

export function isTagLetter(name: string): boolean {
  return (name >= "a" && name <= "z") || (name >= "A" && name <= "Z");
}

/** NIP-70: whether only its author may publish the event. */
export function isProtected(tags: string[][]): boolean {
  return tags.some((tag) => tag[0] === "-");
}

/**
 * NIP-40: first `expiration` tag, in seconds; `NaN` when it is not a decimal integer (R-05-13). What no number can hold is
 * as far away as can be.
 */
export function expirationOf(event: Event): number | undefined {
  const tag = event.tags.find((tag) => tag[0] === "expiration");
  if (tag === undefined) return undefined;
  return /^\d+$/.test(tag[1] ?? "") ? Math.min(Number(tag[1]), Number.MAX_SAFE_INTEGER) : Number.NaN;
}
