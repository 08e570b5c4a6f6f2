import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "../../src/protocol/event.ts";
import { Connection } from "../client/connection.ts";
import type { Signer } from "../client/crypto.ts";
import type { Place } from "../client/place.ts";
import { Failure } from "../failure.ts";

/** What is stored, under this tag, and what is only passed on. Nobody else has a use for these kinds. */
const STORED_KIND = 1573;
const LIVE_KIND = 20573;
const TOPIC = "nexus-bench";

/** Should the clean-up fail, the events go by themselves after so many seconds. */
const EXPIRES_S = 3600;

/** Events that one deletion names. */
const DELETED_AT_ONCE = 200;

/** Characters of the content of an event. */
const CONTENT = 300;

/** Time between two live events, in milliseconds. */
const LIVE_MS = 50;

/** How long the last of them may be on their way, in milliseconds. */
const LIVE_WAIT_MS = 5000;

export interface BenchOptions {
  place: Place;
  signer: Signer;
  connections: number;
  /** Events that are stored, and so many queries. */
  events: number;
  /** Events that are passed on to all connections. */
  live: number;
  report(step: string): void;
}

/** Of one kind of operation: times in milliseconds. */
export interface Figures {
  operation: string;
  count: number;
  failed: number;
  per_second: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface BenchResult {
  figures: Figures[];
  /** Why operations failed, and how often. */
  failures: Record<string, number>;
  /** Events of the measurement that the relay has still, besides the deletions. */
  left: number;
  deletions: number;
}

/**
 * Measures a relay as a client does, the way to it included. Every connection does one thing at a time. It removes what
 * it stored, also when it fails.
 */
export async function bench(options: BenchOptions): Promise<BenchResult> {
  const { place, signer, connections, report } = options;
  const failures: Record<string, number> = {};
  const fail = (reason: string) => {
    failures[reason] = (failures[reason] ?? 0) + 1;
  };
  const measured = (operation: string, tasks: number, clients: readonly unknown[], task: Task) =>
    measure(operation, tasks, clients.length, task, fail);

  report(`opening ${connections} connections`);
  const clients: Connection[] = [];
  const stored: Event[] = [];
  try {
    const opening = await measured("connect and log in", connections, [1], async () => {
      clients.push(await Connection.open(place, signer));
    });
    if (clients.length < connections) throw new Failure(Object.keys(failures)[0] ?? "no connection");
    const client = (worker: number) => clients[worker] as Connection;

    report(`publishing ${options.events} events`);
    const made = await draftsOf(options);
    const ingest = await measured("EVENT", made.length, clients, async (i, worker) => {
      const event = made[i] as Event;
      const { accepted, text } = await client(worker).publish(event);
      if (!accepted) throw new Failure(text);
      stored.push(event);
    });

    report(`asking for ${options.events} of them by id`);
    const one = async (i: number, worker: number) => {
      const { id } = stored[i % stored.length] as Event;
      let found = 0;
      await client(worker).request([{ ids: [id] }], () => found++);
      if (found === 0) throw new Failure("an event is not found");
    };
    const byId = await measured("REQ of an id", stored.length === 0 ? 0 : options.events, clients, one);

    report("asking for the newest 50");
    const filter = { kinds: [STORED_KIND], authors: [signer.pubkey], limit: 50 };
    const some = (_: number, worker: number) => client(worker).request([filter], () => {});
    const byAuthor = await measured("REQ of 50 events", Math.ceil(options.events / 5), clients, some);

    report(`passing ${options.live} events on to ${connections} connections`);
    const fanOut = await live(options, clients, fail);
    report("cleaning up");
    return {
      figures: [opening, ingest, byId, byAuthor, fanOut],
      failures,
      ...(await cleanUp(options, clients, stored)),
    };
  } catch (error) {
    await cleanUp(options, clients, stored).catch(() => {});
    throw error;
  } finally {
    for (const client of clients) client.close();
  }
}

type Task = (i: number, worker: number) => Promise<void>;

/** Does a task so many times, with so many at a time. */
async function measure(
  operation: string,
  tasks: number,
  workers: number,
  task: Task,
  fail: (reason: string) => void,
): Promise<Figures> {
  const times: number[] = [];
  let next = 0;
  const start = performance.now();
  const work = async (worker: number) => {
    for (let i = next++; i < tasks; i = next++) {
      const begun = performance.now();
      try {
        await task(i, worker);
        times.push(performance.now() - begun);
      } catch (error) {
        fail((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  return figuresOf(operation, times, tasks, performance.now() - start);
}

/** From the sending of an event to its arrival, on every connection. */
async function live(
  { signer, live }: BenchOptions,
  clients: readonly Connection[],
  fail: (reason: string) => void,
): Promise<Figures> {
  const sent = new Map<string, number>();
  const times: number[] = [];
  const take = ({ id }: Event) => {
    const at = sent.get(id);
    if (at !== undefined) times.push(performance.now() - at);
  };
  const filter = { kinds: [LIVE_KIND], authors: [signer.pubkey], limit: 0 };
  for (const client of clients) {
    // It ends with the connection.
    client.request([filter], take, true).catch(() => {});
    // What comes behind it is answered behind it.
    await client.request([{ ...filter, kinds: [LIVE_KIND] }], () => {});
  }
  const start = performance.now();
  for (let i = 0; i < live; i++) {
    const event = await signer.sign({ kind: LIVE_KIND, content: `${i} ${crypto.randomUUID()}` });
    sent.set(event.id, performance.now());
    const { accepted, text } = await (clients[i % clients.length] as Connection).publish(event);
    if (!accepted) fail(text);
    await sleep(LIVE_MS);
  }
  const elapsed = performance.now() - start;
  const deadline = Date.now() + LIVE_WAIT_MS;
  while (times.length < live * clients.length && Date.now() < deadline) await sleep(20);
  return figuresOf("live delivery", times, live * clients.length, elapsed);
}

async function draftsOf({ signer, events }: BenchOptions): Promise<Event[]> {
  const expiration = String(Math.floor(Date.now() / 1000) + EXPIRES_S);
  const tags = [
    ["t", TOPIC],
    ["expiration", expiration],
  ];
  const made: Event[] = [];
  for (let i = 0; i < events; i++) {
    made.push(
      await signer.sign({ kind: STORED_KIND, tags, content: `${i} ${crypto.randomUUID()}`.padEnd(CONTENT, ".") }),
    );
  }
  return made;
}

/** Deletes the events, and counts what is left. */
async function cleanUp({ signer }: BenchOptions, clients: readonly Connection[], stored: readonly Event[]) {
  const [client] = clients;
  let deletions = 0;
  if (client === undefined) return { deletions, left: 0 };
  for (let at = 0; at < stored.length; at += DELETED_AT_ONCE) {
    const named = stored.slice(at, at + DELETED_AT_ONCE);
    const tags = [["k", String(STORED_KIND)], ...named.map(({ id }) => ["e", id])];
    if ((await client.publish(await signer.sign({ kind: 5, tags }))).accepted) deletions++;
  }
  let left = 0;
  await client.request([{ kinds: [STORED_KIND], authors: [signer.pubkey], "#t": [TOPIC] }], () => left++);
  return { deletions, left };
}

function figuresOf(operation: string, times: number[], tasks: number, elapsedMs: number): Figures {
  times.sort((a, b) => a - b);
  const rank = (share: number) => rounded(times[Math.max(0, Math.ceil(share * times.length) - 1)] ?? 0);
  return {
    operation,
    count: times.length,
    failed: tasks - times.length,
    per_second: Math.round((times.length / elapsedMs) * 1000),
    p50: rank(0.5),
    p95: rank(0.95),
    p99: rank(0.99),
    max: rank(1),
  };
}

function rounded(ms: number): number {
  return Number(ms.toPrecision(3));
}
