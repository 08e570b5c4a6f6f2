import { expect, test } from "vitest";
import { AccessStore } from "../../src/store/access-store.ts";
import { migrate } from "../../src/store/schema.ts";
import { Spent } from "../../src/store/spent.ts";
import { memorySql } from "../support/memory-sql.ts";

function opened() {
  const sql = memorySql();
  migrate(sql);
  return { sql, lists: new AccessStore(sql), again: () => new AccessStore(sql) };
}

const call = (pubkey: string, method: string, n = 0) => ({ at: n, pubkey, method, params: `[${n}]` });

test("entries come in the order of their subjects, also after changes and a rollback", () => {
  const { lists, again } = opened();
  for (const subject of ["c", "a", "d", "b"]) lists.put("list", subject, subject.toUpperCase());
  lists.remove("list", "c");
  expect(() =>
    lists.atomically(() => {
      lists.put("list", "aa", "1");
      lists.remove("list", "a");
      lists.put("list", "b", "2");
      throw new Error("no");
    }),
  ).toThrow("no");
  const expected = [
    ["a", "A"],
    ["b", "B"],
    ["d", "D"],
  ];
  expect(lists.entries("list")).toEqual(expected);
  expect(again().entries("list")).toEqual(expected);
  expect(lists.first("list")).toBe("a");
});

test("what is so already changes nothing and writes nothing", () => {
  const { sql, lists } = opened();
  lists.put("list", "a", "1");
  const { revision } = lists;
  const { written } = sql.meter;
  lists.put("list", "a", "1");
  lists.remove("list", "b");
  expect(lists.revision).toBe(revision);
  expect(sql.meter.written).toBe(written);
});

test("no caller can have the record of what others did forgotten", () => {
  const { lists, again } = opened();
  lists.record(call("moderator", "banpubkey"));
  for (let n = 0; n < 5500; n++) lists.record(call("flooder", "unbanevent", n));
  const all = again().changes(1e9, 20_000);
  expect(all.length).toBe(5001);
  expect(all.at(-1)?.method).toBe("banpubkey");
  for (let key = 0; key < 6; key++) for (let n = 0; n < 2000; n++) lists.record(call(`key${key}`, "x", n));
  const later = again().changes(1e9, 20_000);
  expect(later.length).toBe(10_000);
  expect(later.at(-1)?.method).toBe("banpubkey");
});

test("a call that changes nothing is not recorded", () => {
  const { lists } = opened();
  lists.put("banned-pubkey", "a", "");
  lists.atomically(() => {
    lists.remove("banned-event", "b");
    lists.put("banned-pubkey", "a", "");
    lists.record(call("moderator", "unbanevent"));
  });
  expect(lists.changes(1e9, 10)).toEqual([]);
  lists.atomically(() => {
    lists.remove("banned-pubkey", "a");
    lists.record(call("moderator", "unbanpubkey"));
  });
  expect(lists.changes(1e9, 10).length).toBe(1);
});

test("R-05-71 spent signatures are counted by key and forgotten by their time", () => {
  const { lists, again } = opened();
  const spent = new Spent(lists);
  for (let n = 0; n < 150; n++) expect(spent.add(`sig${n}`, n < 120 ? 100 : 200, n % 2 ? "odd" : "even")).toBe(true);
  expect([spent.size, spent.countOf("odd"), spent.has("sig7")]).toEqual([150, 75, true]);
  spent.forget(101);
  expect(spent.size).toBe(50);
  spent.forget(101);
  expect([spent.size, spent.countOf("odd"), spent.countOf("even")]).toEqual([30, 15, 15]);
  expect(new Spent(again()).countOf("odd")).toBe(15);
});
