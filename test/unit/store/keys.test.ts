import { expect, test } from "vitest";
import { addressKey } from "../../../src/store/keys.ts";
import { migrate } from "../../../src/store/schema.ts";
import { AUTHOR, NOW, Stock, unsigned } from "../stocked.ts";

const article = (d: string, created_at: number) => unsigned({ kind: 30023, created_at, tags: [["d", d]] });

test("R-04-06 the key of an address is bounded, and no two addresses share one", () => {
  const keyOf = (d: string) => addressKey({ kind: 30023, pubkey: AUTHOR, d });
  const plain = keyOf("x".repeat(4096));
  const keys = ["", "x", "x".repeat(4095), "x".repeat(4097), "é".repeat(2049), "x".repeat(500_000)].map(keyOf);
  expect(new Set([plain, ...keys]).size).toBe(7);
  for (const key of [plain, ...keys]) expect(key.length).toBeLessThanOrEqual(plain.length);
});

test("R-04-02 R-05-07 a store of schema 7, which kept every d as it is, still finds its addresses and tombstones", () => {
  const stock = new Stock();
  const hex = (text: string) => Buffer.from(text).toString("hex");
  // A limit of 4,096 bytes was the largest that an operator could set.
  const [d, deleted] = ["d".repeat(4096), "e".repeat(4096)];
  const old = article(d, NOW);
  stock.put(old);
  stock.sql.all("UPDATE event SET address = unhex(?1)", `${AUTHOR}7547${hex(d)}`);
  stock.makeOlder(7);
  stock.sql.all("INSERT INTO address_tombstone VALUES(unhex(?1), ?2)", `${AUTHOR}7547${hex(deleted)}`, NOW);
  migrate(stock.sql);
  stock.restart();
  const [newer, blocked] = [article(d, NOW + 1), article(deleted, NOW)];
  expect(stock.put(newer, blocked)).toEqual(["stored", "deleted"]);
  expect(stock.query({ "#d": [d] })).toEqual([newer.id]);
  stock.put(unsigned({ kind: 5, created_at: NOW + 1, tags: [["a", `30023:${AUTHOR}:${d}`]] }));
  expect(stock.query({ kinds: [30023] })).toEqual([]);
});
