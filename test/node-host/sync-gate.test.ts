import { expect, test } from "vitest";
import { Outbox, type Outlet } from "../../src/hosts/node/outbox.ts";
import { SyncGate } from "../../src/hosts/node/sync-gate.ts";

/** A gate over a file whose syncs end when the test says so. */
function gated() {
  const syncs: ((error: Error | null) => void)[] = [];
  const left: string[] = [];
  const reports: string[] = [];
  let failures = 0;
  const gate = new SyncGate(
    { sync: (done) => syncs.push(done) },
    (message) => reports.push(message),
    () => failures++,
  );
  return {
    gate,
    left,
    reports,
    syncs,
    failures: () => failures,
    send: (name: string) => gate.pass(() => left.push(name)),
    synced: (error: Error | null = null) => (syncs.shift() as (error: Error | null) => void)(error),
  };
}

test("nothing is held while nothing is written", () => {
  const { gate, left, syncs, send } = gated();
  send("a");
  expect(left).toEqual(["a"]);
  expect(syncs).toEqual([]);
  expect(gate.isSyncing).toBe(false);
});

test("what leaves after a commit waits for one sync, in order", () => {
  const { gate, left, syncs, send, synced } = gated();
  gate.committed();
  send("a");
  send("b");
  expect(left).toEqual([]);
  expect(syncs).toHaveLength(1);
  expect(gate.isSyncing).toBe(true);
  synced();
  expect(left).toEqual(["a", "b"]);
  expect(gate.isSyncing).toBe(false);
  send("c");
  expect(left).toEqual(["a", "b", "c"]);
});

test("what is committed while a sync runs shares the next one; what was sent before does not wait for it", () => {
  const { gate, left, syncs, send, synced } = gated();
  gate.committed();
  send("a");
  send("read meanwhile");
  gate.committed();
  send("b");
  gate.committed();
  send("c");
  expect(syncs).toHaveLength(1);
  synced();
  expect(left).toEqual(["a", "read meanwhile"]);
  expect(syncs).toHaveLength(1);
  synced();
  expect(left).toEqual(["a", "read meanwhile", "b", "c"]);
  expect(syncs).toEqual([]);
});

test("a commit that nobody hears of is synced before the next frame", () => {
  const { gate, left, syncs, send, synced } = gated();
  gate.committed();
  expect(syncs).toEqual([]);
  send("a");
  gate.committed();
  synced();
  expect(syncs).toEqual([]);
  send("b");
  expect(left).toEqual(["a"]);
  synced();
  expect(left).toEqual(["a", "b"]);
});

test("after a sync has failed nothing leaves any more", () => {
  const { gate, left, reports, failures, send, synced, syncs } = gated();
  gate.committed();
  send("a");
  gate.committed();
  send("b");
  synced(new Error("EIO"));
  expect(left).toEqual([]);
  expect(failures()).toBe(1);
  expect(reports).toHaveLength(1);
  send("c");
  expect(left).toEqual([]);
  expect(syncs).toEqual([]);
});

test("R-01-10 small answers leave before large ones that came first, and large ones one by one", async () => {
  const outbox = new Outbox(gated().gate);
  const left: string[][] = [[]];
  const outlet = (name: string, size: number): Outlet => ({
    released: 0,
    takeQueued: () => [],
    release() {
      Object.assign(this, { released: size });
    },
    flush: () => left.at(-1)?.push(name),
  });
  for (const n of [1, 2, 3]) outbox.add(outlet(`large ${n}`, 2 << 20));
  outbox.add(outlet("small", 100));
  while (!outbox.isEmpty) {
    await new Promise((resolve) => setImmediate(resolve));
    left.push([]);
  }
  expect(left.filter((turn) => turn.length > 0)).toEqual([["small", "large 1"], ["large 2"], ["large 3"]]);
});
