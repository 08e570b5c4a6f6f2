import { expect, test } from "vitest";
import { searchTokens } from "../../src/protocol/search/search-text.ts";
import { EventStore } from "../../src/store/event-store.ts";
import { migrate } from "../../src/store/schema.ts";
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

test("R-05-39 the index of an older version is filled anew", () => {
  const stock = new Stock();
  const events = [unsigned({ content: "Zürich" }), unsigned({ content: "Zurich" })];
  stock.put(...events);
  stock.sql.all("INSERT INTO search(rowid, text) VALUES(1, 'zürich'), (2, 'zurich')");
  stock.makeOlder(10);
  stock.sql.all(
    "INSERT INTO meta VALUES('search', '{\"exceptKinds\":[4],\"head\":2}') ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  migrate(stock.sql);
  stock.restart();
  work(stock);
  for (const search of ["zurich", "ZÜRICH"]) {
    expect(stock.query({ search }).sort()).toEqual(events.map(({ id }) => id).sort());
  }
});

test("without search nothing is left of the index", () => {
  const stock = new Stock();
  for (let i = 0; i < 300; i++) stock.put(unsigned({ content: `secretmark${i}` }));
  work(stock);
  expect(dump(stock)).toContain(hexOf("secretmark"));
  new EventStore(stock.sql);
  expect(dump(stock)).not.toContain(hexOf("secretmark"));
  stock.restart();
  work(stock);
  expect(stock.query({ search: "secretmark7" }).length).toBe(1);
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
    "ấ".repeat(100_000),
    `ø${"\u0301".repeat(9)}`.repeat(10_000),
    `中${"\u0301".repeat(7)}`.repeat(12_000),
  ];
  for (const text of texts) {
    const start = process.cpuUsage().user;
    searchTokens(text);
    // Ten times what is wanted, for a machine that has other things to do.
    expect(process.cpuUsage(undefined).user - start).toBeLessThan(100_000);
  }
  expect(searchTokens(`e${"\u0301".repeat(3)}`)).toEqual(["e"]);
  expect(searchTokens(`${"x".repeat(1023)}e\u0301`)).toEqual([`${"x".repeat(1023)}e`]);
  expect(searchTokens(`${"あ".repeat(1023)}か\u3099`).at(-1)).toBe("が");
});
