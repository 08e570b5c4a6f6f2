import fc from "fast-check";
import { getEventHash, type Event as OtherEvent } from "nostr-tools/pure";
import { expect } from "vitest";
import { HashedEvent } from "../../src/protocol/crypto/verify.ts";
import {
  authorOfRaw,
  type Event,
  indexedTags,
  parseEvent,
  serializeEvent,
  timeOfRaw,
} from "../../src/protocol/event.ts";
import { parseFilter } from "../../src/protocol/filter.ts";
import { EventStore } from "../../src/store/event-store.ts";
import { Scan } from "../../src/store/read/scan.ts";
import { migrate } from "../../src/store/schema.ts";
import { secp256k1 as nexus } from "../support/crypto.ts";
import { verified } from "../support/events.ts";
import { fuzz } from "../support/fuzz.ts";
import { alike, jsonText, numberText, oddText, stringText } from "../support/json-text.ts";
import { memorySql } from "../support/memory-sql.ts";
import { valuesOf } from "../support/model/naive-rules.ts";

const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];

const hex = (digits: number) => JSON.stringify("0123456789abcdef".repeat(8).slice(0, digits));
const usually = (usual: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: jsonText });
const tagText = fc
  .tuple(fc.constantFrom('"t"', '"d"', '"p"', '"-"', '"é"', '"expiration"'), fc.array(stringText, { maxLength: 2 }))
  .map(([name, values]) => `[${[name, ...values].join()}]`);

/** Content that takes the hash more than one buffer, at whose end a character may be cut. */
const longText = fc
  .tuple(fc.integer({ min: 65_300, max: 65_560 }), fc.constantFrom("é", "日", "😀"), fc.nat({ max: 70_000 }))
  .map(([ascii, wide, more]) => JSON.stringify("a".repeat(ascii) + wide.repeat(20) + "b".repeat(more)));

interface Text {
  text: string;
  /** Whether its id is made to be right, if it can be. */
  isTrue: boolean;
}

const eventText: fc.Arbitrary<Text> = fc.record({
  text: fc
    .tuple(
      usually(fc.constantFrom(hex(64), hex(63), '"ABCDEF"')),
      usually(fc.constantFrom(hex(64))),
      usually(fc.oneof(fc.constantFrom("1700000000", "0", "9007199254740991"), numberText)),
      usually(fc.oneof(fc.constantFrom("1", "0", "30023", "65535"), numberText)),
      usually(
        fc
          .array(fc.oneof({ weight: 8, arbitrary: tagText }, { weight: 1, arbitrary: jsonText }), { maxLength: 4 })
          .map((tags) => `[${tags.join()}]`),
      ),
      usually(fc.oneof({ weight: 8, arbitrary: stringText }, { weight: 1, arbitrary: longText })),
      usually(fc.constantFrom(hex(128))),
    )
    .chain(([id, pubkey, created_at, kind, tags, content, sig]) =>
      alike(Object.entries({ id, pubkey, created_at, kind, tags, content, sig })),
    ),
  isTrue: fc.boolean(),
});

/** What the JSON of the text says; undefined if it is no JSON. */
function read({ text, isTrue }: Text): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (isTrue && isEvent({ ...(value as object), id: "0".repeat(64) })) {
    (value as { id: string }).id = getEventHash(value as OtherEvent);
  }
  return value;
}

/** 2.1, R-02-01, R-02-02, and M-18. */
function isEvent(value: unknown): value is Event {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { id, pubkey, created_at, kind, tags, content, sig } = value as Record<string, unknown>;
  const isText = (one: unknown) => typeof one === "string" && one.isWellFormed();
  const isNumber = (one: unknown, most: number) => typeof one === "number" && one >= 0 && one <= most && one % 1 === 0;
  const isHex = (one: unknown, digits: number) =>
    typeof one === "string" && one.length === digits && [...one].every((digit) => "0123456789abcdef".includes(digit));
  const isList = (list: unknown, isItem: (item: unknown) => boolean) => Array.isArray(list) && list.every(isItem);
  return (
    isHex(id, 64) &&
    isHex(pubkey, 64) &&
    isNumber(created_at, 2 ** 53 - 1) &&
    isNumber(kind, 65_535) &&
    isList(tags, (tag) => isList(tag, isText)) &&
    isText(content) &&
    isHex(sig, 128)
  );
}

/** M-16: deeper than any legal message, which may be refused where it is in something unknown. */
function isDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth > 5 || Object.values(value).some((member) => isDeep(member, depth + 1));
}

/** The event of a text, after all that can be said of it alone. */
function check(source: Text): Event | undefined {
  const value = read(source);
  if (value === undefined) return undefined;
  const parsed = parseEvent(value);
  if (!parsed.ok) {
    expect(parsed.reason).toMatch(/^invalid: ./);
    if (!isDeep(value)) expect(isEvent(value)).toBe(false);
    return undefined;
  }
  const event = parsed.value;
  if (!isEvent(value)) throw new Error("taken for an event");
  const { id, pubkey, created_at, kind, tags, content, sig } = value;
  // A negative zero is hashed and stored as zero.
  expect(event).toEqual({ id, pubkey, created_at: created_at + 0, kind: kind + 0, tags, content, sig });

  const { raw } = serializeEvent(event);
  expect(JSON.parse(raw)).toEqual(event);
  expect([authorOfRaw(raw), timeOfRaw(raw)]).toEqual([event.pubkey, event.created_at]);
  const again = parseEvent(JSON.parse(raw));
  expect(again.ok && serializeEvent(again.value).raw).toBe(raw);
  const indexed = new Set(indexedTags(event).map(([letter, value]) => JSON.stringify([letter, value])));
  const wanted = LETTERS.flatMap((letter) => valuesOf(event, letter).map((value) => JSON.stringify([letter, value])));
  expect(indexed).toEqual(new Set(wanted));

  const isTrue = getEventHash(event) === event.id;
  expect(HashedEvent.check(event, nexus).ok).toBe(isTrue);
  return isTrue ? event : undefined;
}

fuzz(
  "R-01-17 R-02-01 R-02-06 R-02-08 an event is refused, or kept and hashed as the rules say",
  eventText,
  function checks(text) {
    check(text);
  },
);

/** What is stored comes back to the byte. */
function keeps(texts: Text[]): void {
  const events = texts.flatMap((text) => check(text) ?? []);
  const sql = memorySql();
  migrate(sql);
  const store = new EventStore(sql, { search: { exceptKinds: new Set() } });
  const results = store.put(events.map(verified));
  const stored = events.filter((_, i) => results[i]?.outcome === "stored");
  for (const event of stored) {
    const filter = parseFilter({ ids: [event.id] }, { andFilters: false });
    if (!filter.ok) throw new Error(filter.reason);
    const reader = { authed: new Set<string>(), privateKinds: new Set<number>() };
    // So early that none has expired.
    const snapshot = { head: store.head, recent: store.recent, now: -1, retention: [] };
    const scan = new Scan(sql, [filter.value], reader, { defaultLimit: 1, maxLimit: 1 }, snapshot);
    const isGone = sql.all("SELECT 1 FROM event WHERE id = unhex(?1)", event.id).length === 0;
    expect(scan.page(1)).toEqual(isGone ? [] : [serializeEvent(event).raw]);
  }
  sql.db.close();
}

fuzz(
  "R-01-17 M-19 M-20 an event comes out of the store as it went in",
  fc.array(
    eventText.map(({ text }) => ({ text, isTrue: true })),
    { minLength: 1, maxLength: 10 },
  ),
  keeps,
);

/** The hash takes text of any length, and as TextEncoder would make bytes of it. */
async function hashes(text: string): Promise<void> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  expect(nexus.sha256(text)).toBe(hash);
}

fuzz(
  "R-02-06 any text is hashed as an independent library does",
  fc.oneof(
    oddText,
    longText.map((text) => JSON.parse(text) as string),
  ),
  hashes,
);
