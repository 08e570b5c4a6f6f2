import type { Filter } from "nostr-tools/filter";
import { SimplePool } from "nostr-tools/pool";
import type { Event, EventTemplate, VerifiedEvent } from "nostr-tools/pure";
import { finalizeEvent } from "nostr-tools/pure";
import { Relay } from "nostr-tools/relay";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { alice, bob, type Key, unique } from "../support/keys.ts";
import { type Server, startServer } from "../support/server.ts";

let server: Server;
const open: { close(): void }[] = [];

beforeAll(async () => {
  server = await startServer();
});

afterEach(() => {
  for (const closable of open.splice(0)) closable.close();
});

afterAll(() => server.stop());

const signer = (by: Key) => async (template: EventTemplate) => finalizeEvent(template, by.secret);

/** A Relay that answers the challenge by itself; resolves when the login has been accepted. */
async function relayOf(by: Key): Promise<Relay> {
  const relay = new Relay(server.url);
  open.push(relay);
  await loggedIn(relay, by, (onauth) => {
    relay.onauth = onauth;
    return relay.connect();
  });
  return relay;
}

function poolOf(by: Key): SimplePool {
  const pool = new SimplePool();
  open.push({ close: () => pool.destroy() });
  pool.automaticallyAuth = () => signer(by);
  return pool;
}

/** Connects with an `onauth`, waits until it has been asked, then for the OK of that one login. */
async function loggedIn(
  relay: Relay,
  by: Key,
  connect: (onauth: (template: EventTemplate) => Promise<VerifiedEvent>) => Promise<unknown>,
): Promise<void> {
  const sign = signer(by);
  await new Promise((resolve, reject) => {
    connect((template) => {
      resolve(undefined);
      return sign(template);
    }).catch(reject);
  });
  expect(await relay.auth(sign)).toBe("");
}

/** Without the mark that the library leaves on what it has verified. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function collect(relay: Relay, filter: Filter): Promise<Event[]> {
  return new Promise((resolve, reject) => {
    const events: Event[] = [];
    const subscription = relay.subscribe([filter], {
      onevent: (event) => events.push(plain(event)),
      oneose: () => {
        resolve(events);
        subscription.close();
      },
      onclose: (reason) => reject(new Error(reason)),
    });
  });
}

describe("Relay with onauth", () => {
  test("logs in, publishes, queries and counts", async () => {
    const relay = await relayOf(alice);
    const event = unique(alice);
    expect(await relay.publish(event)).toBe("");
    expect(await collect(relay, { ids: [event.id] })).toEqual([event]);
    expect(await relay.count([{ ids: [event.id] }], {})).toBe(1);
  });

  test("receives live what another connection publishes", async () => {
    const [reader, writer] = await Promise.all([relayOf(alice), relayOf(bob)]);
    const event = unique(bob, { kind: 7 });
    const live = await new Promise((resolve, reject) => {
      reader.subscribe([{ kinds: [7], authors: [bob.pubkey], since: event.created_at }], {
        onevent: (event) => resolve(plain(event)),
        oneose: () => void writer.publish(event).catch(reject),
        onclose: (reason) => reject(new Error(reason)),
      });
    });
    expect(live).toEqual(event);
  });

  test("a refused event is told with the relay's reason", async () => {
    const relay = await relayOf(alice);
    const event = { ...unique(alice), sig: "0".repeat(128) };
    await expect(relay.publish(event)).rejects.toThrow(/^invalid: /);
  });

  test("what it sends before it has logged in is refused, and it does not send it again", async () => {
    const relay = new Relay(server.url);
    open.push(relay);
    await relay.connect();
    const refusal = new Promise((resolve, reject) => {
      relay.subscribe([{ kinds: [1] }], { onclose: resolve, oneose: () => reject(new Error("EOSE")) });
    });
    expect(await refusal).toBe("auth-required: authentication required");
    // The working way: log in on the refusal, then ask again.
    expect(await relay.auth(signer(alice))).toBe("");
    expect(await collect(relay, { kinds: [1], limit: 0 })).toEqual([]);
  });
});

describe("SimplePool", () => {
  test("with onauth given to each call, the pool logs in on the refusal and asks again", async () => {
    const pool = new SimplePool();
    open.push({ close: () => pool.destroy() });
    const event = unique(alice);
    expect(await Promise.all(pool.publish([server.url], event, { onauth: signer(alice) }))).toEqual([""]);
    const fresh = new SimplePool();
    open.push({ close: () => fresh.destroy() });
    const found = await new Promise((resolve, reject) => {
      fresh.subscribe(
        [server.url],
        { ids: [event.id] },
        {
          onauth: signer(alice),
          onevent: (event) => resolve(plain(event)),
          onclose: (reasons) => reject(new Error(JSON.stringify(reasons))),
        },
      );
    });
    expect(found).toEqual(event);
  });

  test("R-06-06 automaticallyAuth alone: the first query outruns the login, and is answered after it", async () => {
    const event = unique(alice);
    await (await relayOf(alice)).publish(event);
    const pool = poolOf(alice);
    // The library sends its REQ in the moment the socket opens, before it has read the challenge, and never again.
    expect(plain(await pool.querySync([server.url], { ids: [event.id] }))).toEqual([event]);
    expect(plain(await pool.get([server.url], { ids: [event.id] }))).toEqual(event);
  });

  test("automaticallyAuth: publishes and receives live after ensureRelay and the login", async () => {
    const reader = poolOf(alice);
    const writer = poolOf(bob);
    for (const [pool, by] of [
      [reader, alice],
      [writer, bob],
    ] as const) {
      const relay = await pool.ensureRelay(server.url);
      // A refused REQ proves that the challenge, which comes before it, has been read.
      await collect(relay as Relay, { limit: 0 }).catch(() => {});
      expect(await relay.auth(signer(by))).toBe("");
    }
    const event = unique(bob, { kind: 16 });
    const live = await new Promise((resolve, reject) => {
      reader.subscribe(
        [server.url],
        { kinds: [16], since: event.created_at },
        {
          onevent: (event) => resolve(plain(event)),
          oneose: () => void Promise.all(writer.publish([server.url], event)).catch(reject),
          onclose: (reasons) => reject(new Error(JSON.stringify(reasons))),
        },
      );
    });
    expect(live).toEqual(event);
  });
});

describe("cold, with automaticallyAuth alone: the first operation does not wait for the login", () => {
  // However slow the machine is: the relay waits longer than it would by default.
  let patient: Server;

  beforeAll(async () => {
    patient = await startServer({ AUTH_GRACE_MS: "10000" });
  });

  afterAll(() => patient.stop());

  test("R-06-06 publish", async () => {
    expect(await Promise.all(poolOf(alice).publish([patient.url], unique(alice)))).toEqual([""]);
  });

  test("R-06-06 querySync, and publish on the same pool at once", async () => {
    const event = unique(alice);
    const pool = poolOf(alice);
    const published = Promise.all(pool.publish([patient.url], event));
    await pool.querySync([patient.url], { kinds: [1], limit: 1 });
    expect(await published).toEqual([""]);
    expect(plain(await poolOf(alice).querySync([patient.url], { ids: [event.id] }))).toEqual([event]);
  });

  test("R-06-06 a subscription gets what is stored once, and what comes live", async () => {
    const writer = poolOf(bob);
    const [stored, live] = [unique(bob, { kind: 17 }), unique(bob, { kind: 17 })];
    await Promise.all(writer.publish([patient.url], stored));
    const received: string[] = [];
    await new Promise<void>((resolve, reject) => {
      poolOf(alice).subscribe(
        [patient.url],
        { kinds: [17], authors: [bob.pubkey] },
        {
          // Events that come twice are left out of `onevent`: what is counted is what arrives.
          receivedEvent: (_relay: unknown, id: string) => received.push(id) === 2 && resolve(),
          onevent: () => {},
          oneose: () => void Promise.all(writer.publish([patient.url], live)).catch(reject),
          onclose: (reasons: unknown) => reject(new Error(JSON.stringify(reasons))),
        },
      );
    });
    expect(received).toEqual([stored.id, live.id]);
  });
});

test("R-07-20 a request that nobody hears is published: the hint of its OK is no failure", async () => {
  const request = () => unique(alice, { kind: 5050, tags: [["i", "x", "text"]] });
  const hint = /^info: no provider is listening, held until \d{4}-\d\d-\d\dT/;
  expect(await (await relayOf(alice)).publish(request())).toMatch(hint);
  expect(await Promise.all(poolOf(alice).publish([server.url], request()))).toEqual([expect.stringMatching(hint)]);
});
