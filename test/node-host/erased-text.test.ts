import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Event } from "../../src/protocol/event.ts";
import { admin, alice, bob, carol, type Key, now, signed } from "../support/keys.ts";
import { connectTraffic } from "../support/load/traffic-client.ts";
import { caller } from "../support/manage.ts";
import { type Server, startServer, until } from "../support/server.ts";

// What is erased is not in the files of the data directory either.

const PATIENCE_MS = 50_000;

let server: Server;

beforeAll(async () => {
  server = await startServer({ ADMIN_PUBKEYS: admin.pubkey, BAN_ERASE_AFTER: "0" });
});

afterAll(() => server.stop());

/** How often a text stands in the files of the relay. */
function onDisk(text: string): number {
  const files = readdirSync(server.dataDirectory).filter((name) => name !== "lock");
  return files.reduce(
    (sum, name) => sum + readFileSync(join(server.dataDirectory, name), "latin1").split(text).length - 1,
    0,
  );
}

async function publish(by: Key, events: readonly Event[]): Promise<void> {
  const { socket, awaits } = await connectTraffic(server.url, by);
  const all = events.map(({ id }) => awaits("OK", id));
  for (const event of events) socket.send(JSON.stringify(["EVENT", event]));
  for (const ok of await Promise.all(all)) expect(ok[2]).toBe(true);
  socket.close();
}

const texts = (mark: string, by: Key, count: number, length = 0): Event[] =>
  Array.from({ length: count }, (_, i) =>
    signed(by, { content: `${mark} ${i} ${"x".repeat(length)}`, created_at: now() - 9 }),
  );

test("R-05-10 R-05-20 after a deletion, a request to vanish and a ban the text is in no file", async () => {
  const marks = ["MARKDELETED", "MARKVANISHED", "MARKBANNED"] as const;
  const [deleted, vanished, banned] = [
    texts(marks[0], alice, 3),
    texts(marks[1], bob, 50),
    texts(marks[2], carol, 3, 20_000),
  ];
  await publish(alice, deleted);
  await publish(bob, vanished);
  await publish(carol, banned);
  for (const mark of marks) expect(onDisk(mark)).toBeGreaterThan(0);
  await publish(alice, [signed(alice, { kind: 5, tags: deleted.map(({ id }) => ["e", id]) })]);
  await publish(bob, [signed(bob, { kind: 62, tags: [["relay", "ALL_RELAYS"]] })]);
  expect(await caller(fetch, admin, `${server.httpUrl}/`)("banpubkey", carol.pubkey)).toMatchObject({ result: true });
  await until("the text is gone", () => marks.every((mark) => onDisk(mark) === 0), PATIENCE_MS);
}, 60_000);

test("the file gets shorter by itself while many of its pages are free", async () => {
  await publish(alice, texts("big", alice, 200, 90_000));
  const file = join(server.dataDirectory, "nexus.sqlite");
  await until("the texts are in the file", () => statSync(file).size > 15_000_000, PATIENCE_MS);
  await publish(alice, [signed(alice, { kind: 62, tags: [["relay", "ALL_RELAYS"]] })]);
  await until("the file is short", () => statSync(file).size < 3_000_000, PATIENCE_MS);
}, 120_000);
