import { expect, test } from "vitest";
import type { Event } from "../../../src/protocol/event.ts";
import { Recent } from "../../../src/store/recent.ts";
import { inspectedRelay } from "../../cloudflare/inspect.ts";
import type { Filter } from "../../support/client.ts";
import { alice, bob, now, unique } from "../../support/keys.ts";
import { Random } from "../../support/random.ts";

const MAX_SIZE = 16 << 20;
const MAX_EVENTS = 32_768;

const eventOf = (tags: string[][] = []) => ({ tags }) as Event;

test("every position above the floor is kept unless it is gone, and no more than there is room for", () => {
  const seed = Date.now() % 1_000_000;
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  const recent = new Recent(100);
  const stored = new Map<number, string>();
  for (let position = 101; position < 3000; position++) {
    const raw = "x".repeat(random.int(0, 40_000));
    recent.add(position, eventOf(), raw);
    stored.set(position, raw);
    if (random.chance(0.2)) {
      const gone = random.int(101, position);
      recent.remove(gone);
      stored.delete(gone);
    }
    let size = 0;
    if (position % 100 > 0) continue;
    for (const [kept, raw] of stored) {
      if (kept <= recent.floor) continue;
      expect(recent.get(kept, 0)).toBe(raw);
      size += raw.length;
    }
    expect(size).toBeLessThanOrEqual(MAX_SIZE);
  }
  expect(recent.floor).toBeGreaterThan(101);
});

test("small events are bounded by their number, and one that is larger than all room is not kept", () => {
  const recent = new Recent(0);
  for (let position = 1; position <= MAX_EVENTS + 10; position++) recent.add(position, eventOf(), "");
  expect(recent.floor).toBe(10);
  recent.add(MAX_EVENTS + 11, eventOf(), "x".repeat(MAX_SIZE + 1));
  expect(recent.floor).toBe(MAX_EVENTS + 11);
});

test("R-05-15 what expires is not given from its second on", () => {
  const recent = new Recent(0);
  recent.add(1, eventOf([["expiration", "1000"]]), "text");
  expect([recent.get(1, 999), recent.get(1, 1000)]).toEqual(["text", undefined]);
});

test("R-06-12 R-06-17 new and old events are answered alike, also after an eviction and a write that was undone", async () => {
  const relay = inspectedRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const at = now() - 1000;
  const make = (n: number) => unique(alice, { created_at: at - n, tags: [["t", "x"]] });
  const old = [1, 3, 5].map(make);
  for (const event of old) expect((await a.publish(event))[2]).toBe(true);
  await relay.evict();
  const fresh = [0, 2, 4, 6].map(make);
  for (const event of fresh) expect((await a.publish(event))[2]).toBe(true);
  const deletion = unique(alice, { kind: 5, tags: [["e", fresh[1]?.id as string]] });
  // The deletion removes its target, and is undone with it.
  await relay.inside((state) => state.storage.sql.exec("ALTER TABLE tombstone RENAME TO away"));
  expect((await a.publish(deletion))[2]).toBe(false);
  await a.next();
  await relay.inside((state) => state.storage.sql.exec("ALTER TABLE away RENAME TO tombstone"));
  const all = [fresh[0], old[0], fresh[1], old[1], fresh[2], old[2], fresh[3]];
  const filters: Filter[] = [{ kinds: [1] }, { authors: [alice.pubkey], kinds: [1] }, { "#t": ["x"] }];
  for (const filter of filters) {
    expect(await b.query(filter)).toEqual(all);
    expect(await b.query({ ...filter, limit: 3 })).toEqual(all.slice(0, 3));
  }
  expect((await a.publish(deletion))[2]).toBe(true);
  for (const filter of filters) expect(await b.query(filter)).toEqual(all.filter((event) => event !== fresh[1]));
});
