import { expect, test } from "vitest";
import { searchTokens } from "../../src/protocol/search/search-text.ts";
import { filter, NOW, OTHER, READER, Stock, unsigned } from "./stocked.ts";

const HARD_STEP = 5000;

function work(stock: Stock): { longest: number; steps: number } {
  let longest = 0;
  let steps = 0;
  for (; stock.store.hasWork; steps++) {
    const before = stock.sql.meter.spent;
    stock.store.work();
    longest = Math.max(longest, stock.sql.meter.spent - before);
    if (steps > 5000) throw new Error("the work never ends");
  }
  return { longest, steps };
}

/** The index as it is stored, in hex. */
const dump = ({ sql }: Stock) => String(sql.all("SELECT group_concat(lower(hex(block)), '') FROM search_data")[0]?.[0]);
const hexOf = (word: string) => [...word].map((c) => c.charCodeAt(0).toString(16)).join("");

test("R-05-40 an event is found before and after its words are indexed", () => {
  const stock = new Stock();
  const events = Array.from({ length: 450 }, (_, i) => unsigned({ content: `word${i} common thing` }));
  const found = (i: number) => stock.query({ search: `word${i} common`, limit: 5 });
  for (const [i, event] of events.entries()) {
    stock.put(event);
    if (i % 90 === 0) {
      expect(found(i)).toEqual([event.id]);
      work(stock);
      expect(found(i)).toEqual([event.id]);
    }
  }
  work(stock);
  stock.restart();
  for (const i of [0, 199, 200, 399, 400, 449]) expect(found(i)).toEqual([events[i]?.id]);
  expect(stock.query({ search: "common", limit: 1000 }).length).toBe(450);
  expect(stock.count({ search: "thing" })).toBe(450);
  expect(stock.rows("search")).toBeGreaterThanOrEqual(250);
});

test("words of somebody who vanished are not left in the index", () => {
  const stock = new Stock();
  for (let i = 0; i < 300; i++) stock.put(unsigned({ content: `secretmark${i} of mine`, created_at: NOW - 5 }));
  for (let i = 0; i < 300; i++) stock.put(unsigned({ content: `other${i} of theirs`, pubkey: OTHER }));
  work(stock);
  expect(dump(stock)).toContain(hexOf("secretmark"));
  stock.put(unsigned({ kind: 62, created_at: NOW, tags: [["relay", "ALL_RELAYS"]] }));
  const { longest } = work(stock);
  expect(longest).toBeLessThan(HARD_STEP);
  expect(dump(stock)).not.toContain(hexOf("secretmark"));
  expect(stock.query({ search: "other7 theirs" }).length).toBe(1);
});

test("words of a deleted event leave the index within a day, also if the relay is restarted", () => {
  const stock = new Stock();
  const events = Array.from({ length: 3000 }, (_, i) => unsigned({ content: i === 7 ? "secretmark" : `word${i}` }));
  for (const event of events) stock.put(event);
  work(stock);
  stock.put(unsigned({ kind: 5, tags: [["e", events[7]?.id ?? ""]] }));
  work(stock);
  expect(dump(stock)).toContain(hexOf("secretmark"));
  stock.restart();
  expect(stock.store.search.dueAt).toBe(NOW + 86_400);
  stock.now = NOW + 86_400;
  expect(work(stock).longest).toBeLessThan(HARD_STEP);
  expect(dump(stock)).not.toContain(hexOf("secretmark"));
  expect(stock.store.search.dueAt).toBe(undefined);
  expect(stock.query({ search: "word8" })).toEqual([events[8]?.id]);
});

test("a phrase of one letter takes no longer than other searches", () => {
  const stock = new Stock();
  const unit = `${"a ".repeat(63)}b `;
  const text = unit.repeat(Math.floor(100_000 / unit.length));
  for (let i = 0; i < 40; i++) stock.put(unsigned({ content: text + i }));
  work(stock);
  const answer = stock.log.scan([filter({ search: Array(64).fill("a").join("-"), limit: 10 })], READER);
  let longest = 0;
  for (let isLast = false; !isLast; ) {
    const before = stock.sql.meter.spent;
    ({ isLast } = answer.next());
    longest = Math.max(longest, stock.sql.meter.spent - before);
  }
  expect(longest).toBeLessThan(HARD_STEP);
});

test("splitting a text takes time in proportion to it, whatever it is", () => {
  const texts = [
    `a${"\u0300".repeat(49_999)}${"\u0316".repeat(49_999)}`,
    "ﷺ".repeat(100_000),
    `${"\u0300".repeat(30)}ﾞ`.repeat(3200),
    "中国人民".repeat(25_000),
    "\u1100\u1161".repeat(50_000),
  ];
  for (const text of texts) {
    const start = process.cpuUsage().user;
    searchTokens(text);
    // Ten times what is wanted, for a machine that has other things to do.
    expect(process.cpuUsage(undefined).user - start).toBeLessThan(100_000);
  }
  expect(searchTokens(`e${"\u0301".repeat(3)}`)).toEqual(searchTokens("é\u0301\u0301"));
  expect(searchTokens(`${"x".repeat(1023)}e\u0301`)).toEqual([`${"x".repeat(1023)}é`]);
});
