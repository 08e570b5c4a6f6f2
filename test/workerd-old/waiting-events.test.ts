import { expect, test } from "vitest";
import { secp256k1 } from "../../src/hosts/cloudflare/crypto.ts";
import { HashedEvent } from "../../src/protocol/crypto/verify.ts";
import type { Event } from "../../src/protocol/event.ts";
import { Connection, newAttachment } from "../../src/relay/connection.ts";
import { WaitingEvents } from "../../src/relay/publish/waiting-events.ts";
import { alice, unique } from "../support/keys.ts";
import { Random } from "../support/random.ts";

function connect(isLight: boolean): Connection {
  const socket = { send() {}, close() {}, pingedMs: () => 0, attach() {} };
  const connection = new Connection(socket, newAttachment(0), new Set(), undefined);
  connection.isLight = isLight;
  return connection;
}

function hashed(): HashedEvent {
  const checked = HashedEvent.check(unique(alice) as Event, secp256k1);
  if (!checked.ok) throw new Error(checked.reason);
  return checked.value;
}

test("R-01-10 events of who asks for little are committed before those that came earlier of others", () => {
  const waiting = new WaitingEvents();
  const [busy, first, second] = [connect(false), connect(true), connect(true)];
  for (const connection of [busy, busy, first, busy, second]) waiting.add({ connection, event: hashed() });
  expect(waiting.take(3).map(({ connection }) => connection)).toEqual([first, second, busy]);
  expect(waiting.take(3).map(({ connection }) => connection)).toEqual([busy, busy]);
  expect(waiting.count).toBe(0);
});

test("R-01-09 whoever goes first, the events of one connection are committed in their order", () => {
  const seed = Math.floor(Math.random() * 1e9);
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  const events = Array.from({ length: 50 }, hashed);
  for (let round = 0; round < 200; round++) {
    const connections = Array.from({ length: 5 }, () => connect(false));
    const added = new Map(connections.map((connection) => [connection, [] as string[]]));
    const committed = new Map(connections.map((connection) => [connection, [] as string[]]));
    const waiting = new WaitingEvents();
    const commit = (count: number) => {
      for (const { connection, event } of waiting.take(count)) committed.get(connection)?.push(event.event.id);
    };
    for (const event of events) {
      const connection = random.pick(connections);
      connection.isLight = random.int(0, 2) === 0;
      waiting.add({ connection, event });
      added.get(connection)?.push(event.event.id);
      if (random.int(0, 5) === 0) commit(random.int(1, 10));
    }
    commit(events.length);
    expect(committed).toEqual(added);
  }
});
