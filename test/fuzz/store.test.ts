import { expect } from "vitest";
import { type Event, serializeEvent } from "../../src/protocol/event.ts";
import { type Filter, parseFilter } from "../../src/protocol/filter.ts";
import { HyperLogLog, sketchedValue } from "../../src/protocol/hyperloglog.ts";
import { jobRetention } from "../../src/protocol/retention.ts";
import { Cleanup } from "../../src/store/erase/cleanup.ts";
import { EventStore } from "../../src/store/event-store.ts";
import { countMatches } from "../../src/store/read/count.ts";
import { collectRecords } from "../../src/store/read/records.ts";
import { Scan, type Snapshot } from "../../src/store/read/scan.ts";
import { migrate } from "../../src/store/schema.ts";
import type { Sql } from "../../src/store/sql.ts";
import type { Filter as RawFilter } from "../support/client.ts";
import { secp256k1 } from "../support/crypto.ts";
import { verified } from "../support/events.ts";
import { fuzz } from "../support/fuzz.ts";
import { memorySql } from "../support/memory-sql.ts";
import { RETENTION_JOB, RETENTION_RESULT } from "../support/model/naive-features.ts";
import { PRIVATE_KINDS } from "../support/model/naive-filter.ts";
import { hintsFor, unionOf } from "../support/model/naive-rules.ts";
import { finished } from "../support/steps.ts";
import { type Asked, answerOf, cut, NaiveStore } from "./naive-store.ts";
import { type Conditions, type Draft, KEYS, type Question, START, type Step, session, type Value } from "./stock.ts";

const SEARCH = { exceptKinds: new Set(PRIVATE_KINDS) };
const RETENTION = jobRetention(RETENTION_JOB, RETENTION_RESULT);
const ENOUGH = 10_000;
const { sha256 } = secp256k1;

function holds(steps: Step[]): void {
  const sql = memorySql();
  migrate(sql);
  const pair = new Pair(sql);
  for (const step of steps) pair.take(step);
  sql.db.close();
}

/** The store and the naive one, which are given the same. */
class Pair {
  readonly #sql: Sql;
  readonly #naive = new NaiveStore();
  #store: EventStore;
  #head = 0;
  /** All that was ever to be stored. */
  readonly #events: Event[] = [];

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#store = new EventStore(sql, { search: SEARCH });
  }

  take(step: Step): void {
    if ("put" in step) this.#put(step.put.flatMap((draft) => this.#make(draft)));
    else if ("again" in step) this.#put(this.#event(step.again));
    else if ("erase" in step) this.#erase(step.erase);
    else if ("cleanUpAt" in step) this.#cleanUp(START + step.cleanUpAt);
    else if ("reopen" in step) this.#store = new EventStore(this.#sql, { search: SEARCH });
    else this.#ask(step.ask);
  }

  /** Some of what the store does behind, or all that it has to erase of somebody who vanished. */
  #erase(number: number): void {
    if (number % 2 === 1) this.#store.eraseVanished(number);
    else for (let n = 0; n < number % 5 && this.#store.hasWork; n++) this.#store.work();
  }

  #event(number: number): Event[] {
    return this.#events.length === 0 ? [] : [this.#events[number % this.#events.length] as Event];
  }

  #value(value: Value): string {
    if (typeof value === "string") return value;
    if ("key" in value) return KEYS[value.key] as string;
    if ("event" in value) return this.#event(value.event)[0]?.id ?? "f".repeat(64);
    const [kind, key, d] = value.address;
    return `${kind}:${KEYS[key]}:${d}`;
  }

  #make({ by, kind, at, tags, content, expires, times }: Draft): Event[] {
    return Array.from({ length: times }, (_, i) => {
      const named = tags.map(([name, ...values]) => [name, ...values.map((value) => this.#value(value))]);
      const event = {
        id: "",
        pubkey: KEYS[by] as string,
        created_at: Math.min(START + at + (i % 7), Number.MAX_SAFE_INTEGER),
        kind,
        tags: expires === undefined ? named : [...named, ["expiration", String(START + expires)]],
        content: i === 0 ? content : `${content} ${i}`,
        sig: "0".repeat(128),
      };
      return { ...event, id: sha256(serializeEvent(event).hashed) };
    });
  }

  #put(events: Event[]): void {
    const results = this.#store.put(events.map(verified));
    const outcomes = results.map(({ outcome }) =>
      outcome === "deleted" || outcome === "vanished" ? "blocked" : outcome,
    );
    expect(outcomes).toEqual(events.map((event) => this.#naive.put(event)));
    for (const [i, result] of results.entries()) {
      if (result.outcome !== "stored") continue;
      // No position is ever used again.
      expect(result.position).toBeGreaterThan(this.#head);
      this.#head = result.position;
      this.#naive.positions.set((events[i] as Event).id, result.position);
    }
    this.#events.push(...events);
  }

  #cleanUp(now: number): void {
    const cleanup = new Cleanup(this.#sql, this.#store);
    while (cleanup.removeExpired(now, ENOUGH) > 0);
    while ((cleanup.nextPastRetention(RETENTION) ?? Number.POSITIVE_INFINITY) <= now) {
      cleanup.removePastRetention(RETENTION, now, ENOUGH);
    }
    this.#naive.cleanUp(now);
  }

  #filter(conditions: Conditions): { parsed: Filter; asked: Asked } {
    const { ids, authors, kinds, since, until, limit, search, any = [], all = [] } = conditions;
    const tags = (mark: string, list: typeof any) =>
      list.map(([letter, values]) => [`${mark}${letter}`, values.map((value) => this.#value(value))]);
    const raw: RawFilter = Object.fromEntries([...tags("#", any), ...tags("&", all)]);
    if (ids !== undefined) raw.ids = ids.map((number) => this.#value({ event: number }));
    if (authors !== undefined) raw.authors = authors.map((key) => KEYS[key]);
    Object.assign(raw, { ...(kinds && { kinds }), ...(limit !== undefined && { limit }) });
    if (since !== undefined) raw.since = START + since;
    if (until !== undefined) raw.until = START + until;
    if (search !== undefined) raw.search = search;
    const parsed = parseFilter(raw, { andFilters: true, search: SEARCH });
    if (!parsed.ok) throw new Error(parsed.reason);
    return { parsed: parsed.value, asked: { raw, query: parsed.value.search } };
  }

  #ask(question: Question): void {
    const { authed, unseen, limits, maxCount } = question;
    const filters = question.filters.map((conditions) => this.#filter(conditions));
    const parsed = filters.map(({ parsed }) => parsed);
    const asked = filters.map(({ asked }) => asked);
    const reader = { authed: new Set(authed.map((key) => KEYS[key] as string)), privateKinds: new Set(PRIVATE_KINDS) };
    const head = Math.max(0, this.#store.head - unseen);
    const now = START + question.now;
    const store = this.#store;
    const { counts, losses } = store;
    const snapshot: Snapshot = {
      head,
      recent: store.recent,
      indexed: store.search.head,
      hasLeftovers: store.leftovers.isPending,
      untagged: store.leftovers.untagged,
      now,
      retention: RETENTION,
      get hides() {
        return store.isHiding ? (event: Event) => store.hides(event) : undefined;
      },
      ...(unseen === 0 && { counts: () => counts.known() }),
      isIntact: () => this.#store.losses === losses,
    };
    const matching = asked.map((one) => this.#naive.matching(one, reader.authed, now, head));
    const all = unionOf(matching);
    const isSearch = parsed.some(({ search }) => search !== undefined);

    const sketched = sketchedValue(parsed);
    const counted = finished(countMatches(this.#sql, parsed, reader, () => snapshot, maxCount, sketched));
    const registers = sketched === undefined || all.length > maxCount ? undefined : new HyperLogLog(sketched);
    for (const { pubkey } of all) registers?.add(pubkey);
    const count = { count: Math.min(all.length, maxCount), isApproximate: all.length > maxCount };
    expect(counted, "count").toEqual({ ...count, hll: registers?.toHex() });

    const [only] = parsed;
    if (only !== undefined && parsed.length === 1 && !isSearch) {
      const refuse = () => undefined;
      const records = finished(collectRecords(this.#sql, only, reader, () => snapshot, refuse));
      if (records === undefined || typeof records === "string") throw new Error(records);
      const ids = Array.from({ length: records.size }, (_, i) => records.idHex(i));
      const wanted = (matching[0] as Event[]).slice(0, only.limit ?? Number.POSITIVE_INFINITY);
      expect(ids.sort(), "records").toEqual(wanted.map(({ id }) => id).sort());
    }

    const scan = new Scan(this.#sql, parsed, reader, limits, snapshot);
    const taken = matching.map((found, i) => cut(found, asked[i] as Asked, limits));
    const gone = this.#compare(scan, question, answerOf(taken, asked), all);
    if (gone.size > 0 || scan.isPartial) return;
    const raws = asked.map(({ raw }) => raw);
    expect(hintsFor(unionOf(taken).length, all.length, raws), "hint").toContain(scan.completeness());
  }

  /** Pages through a scan, while events may come and go; returns the ids of those that went. */
  #compare(scan: Scan, { page, meanwhile, limits, filters }: Question, wanted: Event[], all: Event[]): Set<string> {
    const searches = filters.filter(({ search }) => search !== undefined).length;
    const got: string[] = [];
    let gone = new Set<string>();
    for (let pages = 0; !scan.isDone; pages++) {
      expect(pages, "pages").toBeLessThan(1000);
      const rows = scan.page(page);
      expect(rows.length).toBeLessThanOrEqual(page);
      got.push(...rows);
      if (pages > 0) continue;
      this.#put(meanwhile.flatMap((draft) => this.#make(draft)));
      gone = new Set(all.map(({ id }) => id).filter((id) => !this.#naive.archive.has(id)));
    }
    expect(scan.isRefused).toBe(false);
    expect(scan.page(page), "after the last").toEqual([]);
    // Each search looks at all events at most, and all searches together at so many.
    if (scan.isPartial) expect(this.#events.length * searches).toBeGreaterThanOrEqual(limits.maxCandidates);
    if (gone.size === 0 && !scan.isPartial) {
      expect(got, "events").toEqual(wanted.map((event) => serializeEvent(event).raw));
      return gone;
    }
    // Some were not looked at, or are gone: what is sent is right and nothing comes twice.
    const ids = got.map((raw) => (JSON.parse(raw) as Event).id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
    if (!scan.isPartial)
      expect(ids).toEqual(expect.arrayContaining(wanted.map(({ id }) => id).filter((id) => !gone.has(id))));
    return gone;
  }
}

fuzz("R-03-10 R-03-11 R-03-14 R-03-17 R-03-19 R-05-28 R-05-34 the store answers as the naive one", session, holds);
