import { expect, test } from "vitest";
import type { Event } from "../../src/protocol/event.ts";
import { parseConfig } from "../../src/relay/config/config.ts";
import { refuseReplay } from "../../src/relay/manage/replay.ts";
import { AccessStore } from "../../src/store/access-store.ts";
import { migrate } from "../../src/store/schema.ts";
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

test("R-05-73 no caller can have the record of what others did forgotten, and each is told when its own is full", () => {
  const { lists, again } = opened();
  lists.record(call("moderator", "banpubkey"));
  for (let n = 0; n < 9999; n++) lists.record(call("flooder", "unbanevent", n));
  expect([lists.isRecordFull("flooder"), lists.isRecordFull("moderator")]).toEqual([false, false]);
  lists.record(call("flooder", "unbanevent"));
  expect([lists.isRecordFull("flooder"), again().isRecordFull("flooder")]).toEqual([true, true]);
  for (let n = 0; n < 20; n++) lists.record(call("flooder", "unbanevent", n));
  const all = again().changes(1e9, 20_000);
  expect(all.length).toBe(10_001);
  expect(all.at(-1)?.method).toBe("banpubkey");
});

test("R-05-73 changes are remembered for a year", () => {
  const { lists, again } = opened();
  const year = 31_536_000;
  for (let n = 0; n < 30; n++) lists.record(call(`key${n}`, "old", n));
  lists.record(call("key0", "new", year));
  expect(lists.changes(1e9, 100).length).toBe(31);
  lists.record(call("key0", "new", year + 30));
  lists.record(call("key0", "new", year + 30));
  expect(
    again()
      .changes(1e9, 100)
      .map(({ method }) => method),
  ).toEqual(["new", "new", "new"]);
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

test("R-05-71 calls of a moderator are counted by when they come, however old their events are", () => {
  const { lists } = opened();
  const access = { config: parseConfig({ ADMIN_PUBKEYS: "a".repeat(64) }), lists };
  const event = (n: number, at: number, pubkey = "b".repeat(64)) =>
    ({ pubkey, created_at: at - 59, sig: `sig${n}` }) as Event;
  for (let n = 0; n < 500; n++) expect(refuseReplay(event(n, 1000), access, 1000)).toBeUndefined();
  expect(refuseReplay(event(500, 1002), access, 1002)).toMatch(/^rate-limited: ./);
  expect(refuseReplay(event(501, 1002, "c".repeat(64)), access, 1002)).toBeUndefined();
  expect(refuseReplay(event(502, 1002, "a".repeat(64)), access, 1002)).toBeUndefined();
  expect(refuseReplay(event(503, 1061), access, 1061)).toBeUndefined();
});
