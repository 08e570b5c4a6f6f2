import { expect, test } from "vitest";
import type { Event } from "../../../src/protocol/event.ts";
import { Recent } from "../../../src/store/recent.ts";
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
      expect(recent.get(kept, 0)?.raw).toBe(raw);
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
  expect([recent.get(1, 999)?.raw, recent.get(1, 1000)?.raw]).toEqual(["text", undefined]);
});
