import { setTimeout as sleep } from "node:timers/promises";
import type { Event, EventTemplate } from "nostr-tools/pure";
import { Client, type Frame } from "../support/client.ts";
import { admin, type Key, key, now, signed } from "../support/keys.ts";
import { caller, headerOf } from "../support/manage.ts";

// What a case is, and what it has in its hands.

/** A small input that a relay gets wrong easily. It runs on a relay of its own. */
export interface Case {
  readonly name: string;
  /** Rules of docs/protocol.md. */
  readonly rules: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Why the platform makes it impossible on Workers: there it may be wrong. */
  readonly notOnWorkers?: string;
  /** It lets no stranger in, so nobody measures. */
  readonly isClosed?: true;
  /** MB that the relay's memory may grow. */
  readonly maxMb?: number;
  /** What is wrong, if anything is. */
  run(relay: Subject): Promise<string | undefined>;
}

/** How long a case waits for one answer, in milliseconds. */
const TIMEOUT_MS = 60_000;

/** The relay that a case is tried on. */
export class Subject {
  readonly url: string;
  readonly httpUrl: string;
  /** Its data directory. */
  readonly data: string;
  /** Calls a management method as its operator. */
  readonly call: ReturnType<typeof caller>;

  constructor(url: string, data: string) {
    this.url = url;
    this.httpUrl = `${url.replace(/^ws/, "http")}/`;
    this.data = data;
    this.call = this.caller(admin);
  }

  caller(by: Key): ReturnType<typeof caller> {
    return caller((url, init) => fetch(url, init), by, this.httpUrl);
  }

  /** A client that has the challenge. */
  open(): Promise<Client> {
    return new Client(new WebSocket(this.url)).takeChallenge();
  }

  /** A client that has logged in, for this URL unless told. */
  async login(by: Key = newKey(), url = this.url): Promise<Client> {
    const client = await this.open();
    const [, , accepted, text] = await client.auth(by, url);
    if (accepted !== true) throw new Error(`login refused: ${text}`);
    return client;
  }
}

let lastKey = 10_000;

/** A key that nobody has used. */
export function newKey(): Key {
  return key(++lastKey);
}

/** Publishes an event, however long that takes; its OK. */
export async function publish(
  client: Client,
  by: Key,
  template: Partial<EventTemplate>,
): Promise<Frame & { event: Event }> {
  const event = signed(by, template);
  client.send(["EVENT", event]);
  const ok = await client.until(([verb, id]) => verb === "OK" && id === event.id, TIMEOUT_MS);
  return Object.assign(ok, { event });
}

/** What ends the answer to a REQ, however long that takes. */
export function end(client: Client, id: string): Promise<Frame> {
  return client.until(([verb, of]) => of === id && verb !== "EVENT", TIMEOUT_MS);
}

export function list<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** Tags that no two events share. */
export const tagsOf = (of: number, count = 2000) => list(count, (i) => ["t", `${of}.${i}`]);

/** An id that no event has. */
export const idOf = (n: number) => n.toString(16).padStart(64, "0");

/** What is wrong unless it holds. */
export const unless = (holds: boolean, wrong: string) => (holds ? undefined : wrong);

/** The first thing that is wrong with any of them. */
export async function each<T>(
  all: readonly T[],
  wrong: (one: T) => Promise<string | undefined>,
): Promise<string | undefined> {
  for (const one of all) {
    const found = await wrong(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Asks until it is so, for so many milliseconds; whether it was. */
export async function soon(ms: number, isSo: () => Promise<boolean> | boolean): Promise<boolean> {
  for (const endsAt = Date.now() + ms; Date.now() < endsAt; await sleep(100)) if (await isSo()) return true;
  return false;
}

export { admin, headerOf, now, signed, sleep };
