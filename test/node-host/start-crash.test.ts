import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client, Frame } from "../support/client.ts";
import { alice, bob, signed, unique } from "../support/keys.ts";
import { openClient, type Server, startServer } from "../support/server.ts";

type Event = ReturnType<typeof signed>;

const ROUNDS = 4;
const EVENTS_PER_ROUND = 300;
const HEARD_KIND = 20_001;

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

async function login(by = alice): Promise<Client> {
  const client = await openClient(server.url);
  expect((await client.auth(by, server.url))[2]).toBe(true);
  return client;
}

test("every acknowledged event survives kill -9, round after round", async () => {
  const acknowledged = new Map<string, Event>();
  const neverStored = new Set<string>();
  let unanswered = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const sent = new Map(eventsOf(round).map((event) => [event.id, event]));
    const listener = await login(bob);
    await listener.req("ephemeral", { kinds: [HEARD_KIND] });
    const publisher = await login();

    for (const event of sent.values()) publisher.send(["EVENT", event]);
    const answers: Frame[] = [];
    // A different moment in each round, always in the middle of the work.
    const enough = 40 + round * 55;
    while (answers.length < enough) answers.push(await publisher.next());
    const killed = server.kill("SIGKILL");
    answers.push(...(await rest(publisher)));

    for (const [verb, id, accepted] of answers) {
      expect(verb).toBe("OK");
      const event = sent.get(String(id));
      if (event === undefined) throw new Error(`OK for an unknown id ${id}`);
      if (accepted === true && event.kind !== HEARD_KIND) acknowledged.set(event.id, event);
      else neverStored.add(event.id);
    }
    unanswered += sent.size - answers.length;

    await killed;
    await server.restart();
    const reader = await login();
    expect(await stored(reader, [...neverStored])).toEqual([]);
    const found = new Map((await stored(reader, [...acknowledged.keys()])).map((event) => [event.id, event]));
    expect([...acknowledged.keys()].filter((id) => !found.has(id))).toEqual([]);
    for (const [id, event] of acknowledged) expect(found.get(id)).toEqual(event);
    reader.close();
  }
  // Otherwise nothing has been put to the test.
  expect(acknowledged.size).toBeGreaterThan(ROUNDS * 30);
  expect(neverStored.size).toBeGreaterThan(ROUNDS * 3);
  expect(unanswered).toBeGreaterThan(0);
}, 180_000);

/** Mostly events to be stored; every tenth is one that must leave nothing behind. */
function eventsOf(round: number): Event[] {
  const newest = signed(alice, { kind: 10_000 + round, content: "newest" });
  const events = [newest];
  for (let n = 1; n < EVENTS_PER_ROUND; n++) {
    if (n % 40 === 10) events.push(unique(alice, { kind: HEARD_KIND }));
    else if (n % 40 === 20) events.push(unique(alice, { kind: HEARD_KIND + 1 }));
    else if (n % 40 === 30) events.push({ ...unique(alice), sig: "0".repeat(128) });
    else if (n % 40 === 0) events.push(unique(alice, { kind: newest.kind, created_at: newest.created_at - n }));
    else events.push(unique(alice, { kind: n % 3 === 0 ? 30_078 : 1, tags: [["d", `${round}-${n}`]] }));
  }
  return events;
}

/** What still arrives until the connection is gone. */
async function rest(client: Client): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (;;) {
    try {
      frames.push(await client.next());
    } catch (error) {
      if (client.closed === undefined) throw error;
      return frames;
    }
  }
}

async function stored(client: Client, ids: string[]): Promise<Event[]> {
  const events: Event[] = [];
  for (let from = 0; from < ids.length; from += 200) {
    events.push(...((await client.query({ ids: ids.slice(from, from + 200) })) as unknown as Event[]));
  }
  return events;
}
