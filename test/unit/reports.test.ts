import { expect, test } from "vitest";
import { noteReport } from "../../src/relay/manage/reports.ts";
import { bob, unique } from "../support/keys.ts";
import { memoryLists } from "../support/memory-store.ts";

const id = (n: number) => n.toString(16).padStart(64, "0");

test("R-05-72 one report queues ten events at most, all reports a thousand; what is gone gives way", () => {
  const lists = memoryLists();
  const gone = new Set<string>();
  const reportOn = (from: number, to: number) => {
    const tags = Array.from({ length: to - from }, (_, n) => ["e", id(from + n), "spam"]);
    noteReport(unique(bob, { kind: 1984, tags }), lists, (ids) => new Set(ids.filter((one) => !gone.has(one))));
    return lists.size("reported-event");
  };
  expect(reportOn(0, 12)).toBe(10);
  for (let n = 10; n < 1000; n += 10) reportOn(n, n + 10);
  expect(reportOn(5000, 5010)).toBe(1000);
  expect(lists.has("reported-event", id(5000))).toBe(false);
  for (let n = 0; n < 5; n++) gone.add(id(n));
  expect(reportOn(5000, 5003)).toBe(998);
  expect(lists.has("reported-event", id(5000))).toBe(true);
  expect(lists.has("reported-event", id(0))).toBe(false);
});
