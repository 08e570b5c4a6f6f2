import { expect, test } from "vitest";
import type { Crypto } from "../../../src/protocol/crypto/secp256k1.ts";
import { VerifiedEvent } from "../../../src/protocol/crypto/verify.ts";
import { type Event, indexedTags, serializeEvent } from "../../../src/protocol/event.ts";
import { type Filter, matches, parseFilter } from "../../../src/protocol/filter.ts";
import { HyperLogLog, sketchedValue } from "../../../src/protocol/hyperloglog.ts";
import { EventStore } from "../../../src/store/event-store.ts";
import { countMatches } from "../../../src/store/read/count.ts";
import { Scan } from "../../../src/store/read/scan.ts";
import { migrate } from "../../../src/store/schema.ts";
import type { Sql } from "../../../src/store/sql.ts";
import { secp256k1 } from "../../support/crypto.ts";
import { memorySql } from "../../support/memory-sql.ts";
import { hintsFor } from "../../support/model/naive-rules.ts";
import { finished } from "../../support/steps.ts";

// The store against a naive reading of the reference: it filters, hides, sorts and cuts an array.

const FIXED_SEEDS = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89];
const RANDOM_SEED = Math.floor(Math.random() * 2 ** 31);
const EVENTS = 1200;
const LISTS = 100;

const T0 = 1_700_000_000;
const SPAN = 60;
const NOW = T0 + SPAN;
const LIMITS = { defaultLimit: 25, maxLimit: 60 };
const PRIVATE = [4, 13, 14, 15, 1059, 21059];

const KEYS = ["a", "b", "c", "d", "e"].map((digit) => digit.repeat(64));
const STRANGER = "f".repeat(64);
const KINDS = [0, 1, 1, 1, 2, 4, 4, 6, 7, 9, 11, 20, 78, 1078, 1059, 1059, 1111, 1984, 5050, 6050, 10002, 30023, 31990];
const VALUES = ["x", "y", "", "é😀", "v".repeat(31), "v".repeat(32), "w".repeat(1024), KEYS[0] as string];

/** The store does not look at signatures; ids are real. */
const crypto: Crypto = { ...secp256k1, verifyAll: () => true };

/** A filter as a client sends it. */
type RawFilter = {
  ids?: string[];
  authors?: string[];
  kinds?: number[];
  since?: number;
  until?: number;
  limit?: number;
  [tag: `#${string}` | `&${string}`]: string[];
};

/** Numbers from a seed (mulberry32). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * count);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  some<T>(items: readonly T[], count: number): T[] {
    return Array.from({ length: count }, () => this.pick(items));
  }

  time(): number {
    return T0 - 2 + this.below(SPAN + 4);
  }
}

function randomEvent(dice: Dice, ids: readonly string[]): Event {
  const tags: string[][] = [];
  while (dice.chance(65)) {
    const kinds = [["t", dice.pick(VALUES)], ["p", dice.pick(KEYS)], ["e", dice.pick([...ids, STRANGER])], ["d"]];
    const odd = [["t"], [], ["T", "x"], ["topic", "x"], ["t", "z", "x"], ["p", "no key"], ["d", ""]];
    tags.push(dice.chance(80) ? dice.pick(kinds) : dice.pick(odd));
    if (dice.chance(30)) tags.push(["d", dice.pick(["x", "y", ""])]);
  }
  if (dice.chance(10)) tags.push(["expiration", String(NOW - 3 + dice.below(6))]);
  const event = {
    id: "",
    pubkey: dice.pick(KEYS),
    created_at: T0 + dice.below(dice.chance(50) ? 6 : SPAN),
    kind: dice.pick(KINDS),
    tags,
    content: String(dice.below(2 ** 31)),
    sig: "0".repeat(128),
  };
  return { ...event, id: crypto.sha256(serializeEvent(event).hashed) };
}

function randomFilter(dice: Dice, ids: readonly string[]): RawFilter {
  const filter: RawFilter = {};
  const list = <T>(items: readonly T[], most: number): T[] =>
    dice.chance(3) ? [] : dice.some(items, 1 + dice.below(most));
  if (dice.chance(12)) filter.ids = list([...ids, STRANGER], 40);
  if (dice.chance(40)) filter.authors = list([...KEYS, STRANGER], 4);
  if (dice.chance(15)) filter.kinds = list(PRIVATE, 3);
  else if (dice.chance(55)) filter.kinds = list([...KINDS, 3, 20001, 65535], dice.chance(30) ? 60 : 3);
  if (dice.chance(25)) filter["#t"] = list([...VALUES, "z"], 3);
  if (dice.chance(20)) filter["#p"] = list(KEYS, 3);
  if (dice.chance(8)) filter["#e"] = list(ids, 40);
  if (dice.chance(8)) filter["#d"] = list(["", "x", "y"], 2);
  if (dice.chance(4)) filter["#T"] = list(["x"], 1);
  if (dice.chance(8)) filter["&t"] = list(VALUES.slice(0, 3), 2);
  if (dice.chance(25)) filter.since = dice.time();
  if (dice.chance(25)) filter.until = dice.time();
  if (dice.chance(60)) filter.limit = dice.chance(10) ? 10 ** 9 : dice.below(dice.chance(50) ? 5 : 100);
  return filter;
}

/** Value of a tag as filters see it (R-02-03, R-03-02). */
function tagValues({ tags, kind }: Event, name: string): (string | undefined)[] {
  const values = tags.filter((tag) => tag[0] === name).map((tag) => tag[1] ?? (name === "d" ? "" : undefined));
  // R-04-05
  return name === "d" && values.length === 0 && kind >= 30000 && kind < 40000 ? [""] : values;
}

function isMatch(filter: RawFilter, event: Event): boolean {
  return Object.entries(filter).every(([key, value]) => {
    if (key === "ids") return filter.ids?.includes(event.id);
    if (key === "authors") return filter.authors?.includes(event.pubkey);
    if (key === "kinds") return filter.kinds?.includes(event.kind);
    if (key === "since") return event.created_at >= (value as number);
    if (key === "until") return event.created_at <= (value as number);
    if (key === "limit") return true;
    const name = key.charAt(1);
    const present = tagValues(event, name);
    const wanted = value as string[];
    if (key.startsWith("&")) return wanted.length > 0 && wanted.every((item) => present.includes(item));
    const all = filter[`&${name}`] ?? [];
    const left = wanted.filter((item) => !all.includes(item));
    // R-03-06: a list emptied by `&` imposes nothing; one that was empty from the start matches nothing (R-03-04).
    return (left.length === 0 && wanted.length > 0) || left.some((item) => present.includes(item));
  });
}

function isVisible(event: Event, authed: readonly string[]): boolean {
  const isParty = authed.includes(event.pubkey) || tagValues(event, "p").some((key) => key && authed.includes(key));
  const expiration = event.tags.find((tag) => tag[0] === "expiration")?.[1];
  return (isParty || !PRIVATE.includes(event.kind)) && (expiration === undefined || Number(expiration) > NOW);
}

/** R-03-10. */
const byOrder = (a: Event, b: Event) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1);

/** R-03-11, R-03-12; where the relay's own default cuts, the events as old as the last one come too (R-03-19). */
function cut(sorted: Event[], limit: number | undefined): Event[] {
  if (limit !== undefined) return sorted.slice(0, Math.min(limit, LIMITS.maxLimit));
  const last = sorted[LIMITS.defaultLimit - 1];
  return sorted
    .filter((event, i) => i < LIMITS.defaultLimit || event.created_at === last?.created_at)
    .slice(0, LIMITS.maxLimit);
}

const union = (lists: Event[][]): Event[] => [...new Set(lists.flat())].sort(byOrder);

/** What is stored, as a list; keeps one version of each address (R-04-02). */
class NaiveStore {
  readonly events = new Map<string, { event: Event; position: number }>();
  #position = 0;

  put(event: Event): string {
    if (this.events.has(event.id)) return "duplicate";
    const rival = [...this.events.values()].find(({ event: other }) => this.#address(other) === this.#address(event));
    if (rival !== undefined && byOrder(rival.event, event) < 0) return "superseded";
    if (rival !== undefined) this.events.delete(rival.event.id);
    this.events.set(event.id, { event, position: ++this.#position });
    return "stored";
  }

  #address({ id, kind, pubkey, tags }: Event): string {
    if (kind === 0 || kind === 3 || (kind >= 10000 && kind < 20000)) return `${kind}:${pubkey}:`;
    const isAddressable = kind >= 30000 && kind < 40000;
    return isAddressable ? `${kind}:${pubkey}:${tags.find((tag) => tag[0] === "d")?.[1] ?? ""}` : id;
  }
}

function parse(raw: RawFilter): Filter {
  const parsed = parseFilter(raw, { andFilters: true });
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

function fill(sql: Sql, dice: Dice): { naive: NaiveStore; store: EventStore; events: Event[] } {
  migrate(sql);
  const store = new EventStore(sql);
  const naive = new NaiveStore();
  const events: Event[] = [];
  const ids: string[] = [];
  while (events.length < EVENTS) {
    const batch = Array.from({ length: 1 + dice.below(60) }, () => {
      const event = dice.chance(2) && events.length > 0 ? dice.pick(events) : randomEvent(dice, ids.slice(0, 30));
      ids.push(event.id);
      return event;
    });
    const verified = batch.map((event) => {
      const checked = VerifiedEvent.check(event, crypto);
      if (!checked.ok) throw new Error(checked.reason);
      return checked.value;
    });
    expect(store.put(verified).map(({ outcome }) => outcome)).toEqual(batch.map((event) => naive.put(event)));
    events.push(...batch);
  }
  return { naive, store, events };
}

async function compare(sql: Sql, seed: number): Promise<void> {
  const dice = new Dice(seed);
  const { naive, store, events } = fill(sql, dice);
  const ids = events.map(({ id }) => id);
  for (let n = 0; n < LISTS; n++) {
    const authed = dice.pick([[], [KEYS[0]], [KEYS[1], KEYS[2]], KEYS]) as string[];
    const raw = Array.from({ length: dice.chance(60) ? 1 : 1 + dice.below(4) }, () => randomFilter(dice, ids));
    const filters = raw.map(parse);
    const reader = { authed: new Set(authed), privateKinds: new Set(PRIVATE) };
    const isAll = dice.chance(80);
    const head = isAll ? store.head : dice.below(store.head);
    // The texts of new events may be kept in memory, or not.
    const recent = dice.below(2) === 0 ? store.recent : undefined;
    const snapshot = {
      head,
      recent,
      now: NOW,
      retention: [],
      ...(isAll ? { counts: () => store.counts.byKind() } : {}),
    };
    const stored = [...naive.events.values()].filter(({ position }) => position <= snapshot.head);
    const visible = stored.map(({ event }) => event).filter((event) => isVisible(event, authed));
    const matching = raw.map((filter) => visible.filter((event) => isMatch(filter, event)).sort(byOrder));
    const taken = matching.map((list, i) => cut(list, raw[i]?.limit));
    const expected = union(taken).map(({ id }) => id);
    const total = union(matching).length;
    const about = (what: string) => `${what}: seed ${seed}, list ${n}, authed ${authed}, ${JSON.stringify(raw)}`;

    const samples = dice.some(events, 20);
    const live = samples.map((event) => filters.map((filter) => matches(filter, event, indexedTags(event))));
    expect(live, about("live match")).toEqual(samples.map((event) => raw.map((filter) => isMatch(filter, event))));

    for (const size of [1000, 1 + dice.below(8)]) {
      const scan = new Scan(sql, filters, reader, LIMITS, snapshot);
      const got: string[] = [];
      // Many ranges are opened in several turns, which give empty pages.
      for (let empty = 0; !scan.isDone; ) {
        const page = scan.page(size);
        if (scan.isRefused) throw new Error(about("refused"));
        if ((page.length === 0 && ++empty > 10) || page.length > size)
          throw new Error(about(`page of ${page.length}, not ${size}`));
        got.push(...page.map((event) => (JSON.parse(event) as Event).id));
      }
      expect(scan.page(size), about("page after the last")).toEqual([]);
      expect(got, about(`events by ${size}`)).toEqual(expected);
      expect(hintsFor(got.length, total, raw), about("hint")).toContain(scan.completeness());
    }

    const max = dice.chance(70) ? 10_000 : 1 + dice.below(20);
    const sketched = sketchedValue(filters);
    const counted = finished(countMatches(sql, filters, reader, () => snapshot, max, sketched));
    const registers = sketched === undefined || total > max ? undefined : new HyperLogLog(sketched);
    for (const { pubkey } of union(matching)) registers?.add(pubkey);
    const hll = registers?.toHex();
    expect(counted, about("count")).toEqual({ count: Math.min(total, max), isApproximate: total > max, hll });
  }
}

test.each([...FIXED_SEEDS, RANDOM_SEED])(
  "R-03-01 R-03-10 R-03-11 R-05-28 R-05-34 the store answers as the naive one, seed %i",
  async (seed) => {
    await compare(memorySql(), seed);
  },
  60_000,
);
