const HEX_64 = /^[0-9a-f]{64}$/;
const HEX_128 = /^[0-9a-f]{128}$/;

/** 32 bytes as 64 lowercase hex digits: an event id or a public key. */
export function isHex64(value: unknown): value is string {
  return typeof value === "string" && HEX_64.test(value);
}

/** 64 bytes as 128 lowercase hex digits: a BIP-340 signature. */
export function isHex128(value: unknown): value is string {
  return typeof value === "string" && HEX_128.test(value);
}

/** How many bits are zero before the first that is not; 4 for each digit if all are. */
export function leadingZeroBits(hex: string): number {
  const zeros = /^0*/.exec(hex)?.[0].length ?? 0;
  const next = hex.charAt(zeros);
  return zeros * 4 + (next === "" ? 0 : Math.clz32(Number.parseInt(next, 16)) - 28);
}

/** Whether `text` has more than `max` characters, counted as Unicode code points; walks it only if it must. */
export function exceedsCharacters(text: string, max: number): boolean {
  if (text.length <= max) return false;
  if (text.length > 2 * max) return true;
  let characters = 0;
  for (const _ of text) if (++characters > max) return true;
  return false;
}

/** Whether the UTF-8 form of `text` is longer than `maxBytes`; encodes nothing. */
export function exceedsBytes(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  if (text.length * 3 <= maxBytes) return false;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Each half of a surrogate pair counts two of its four bytes.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
    if (bytes > maxBytes) return true;
  }
  return false;
}

/** Nesting allowed in a frame; legal messages need 4 (M-16). */
export const MAX_NESTING = 8;

/** Whether `value`, found at `depth` of a parsed frame, nests deeper than {@link MAX_NESTING}. */
export function nestsTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth > MAX_NESTING) return true;
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    if (nestsTooDeep(member, depth + 1)) return true;
  }
  return false;
}

/** Levels of a JSON text that are kept as they are: more than any message may have. */
const KEPT_LEVELS = MAX_NESTING + 4;

/** Texts that are parsed as they are: however deep, it takes less than a millisecond. */
const SHORT = 4096;

/**
 * A JSON text without what is nested so deep that it is refused anyway, which takes the parser 0.1 s for half a megabyte of
 * brackets: an empty array stands for it. What is no JSON text does not become one, except inside of what is left out.
 */
export function withoutDepths(text: string): string {
  if (text.length <= SHORT) return text;
  let kept = "";
  let from = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) i = endOfString(text, i);
    else if (code === 0x5b || code === 0x7b) {
      if (++depth === KEPT_LEVELS + 1) kept += text.slice(from, i);
    } else if (code === 0x5d || code === 0x7d) {
      if (depth === KEPT_LEVELS + 1) {
        kept += "[]";
        from = i + 1;
      }
      depth--;
    }
  }
  return depth > KEPT_LEVELS ? kept : kept + text.slice(from);
}

/** Where the JSON string that begins at `start` ends, or the text. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

/** Objects of one JSON text from a client: 1,000 filters, the most of any setting, are fewer. */
export const MAX_OBJECTS = 2000;

/** Whether a JSON text has more objects than that. The parser takes 0.1 s and more for 80,000 whose members differ (M-22). */
export function exceedsObjects(text: string): boolean {
  let braces = 0;
  for (let at = text.indexOf("{"); at >= 0; at = text.indexOf("{", at + 1)) if (++braces > MAX_OBJECTS) break;
  return braces > MAX_OBJECTS && bracesOutsideStrings(text) > MAX_OBJECTS;
}

/** Counts one more than {@link MAX_OBJECTS} at most. */
function bracesOutsideStrings(text: string): number {
  let braces = 0;
  for (let i = 0; i < text.length && braces <= MAX_OBJECTS; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) i = endOfString(text, i);
    else if (code === 0x7b) braces++;
  }
  return braces;
}
