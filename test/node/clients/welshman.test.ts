import {
  AuthStatus,
  defaultSocketPolicies,
  makeSocketPolicyAuth,
  Pool,
  PublishStatus,
  publishOne,
  requestOne,
  Socket,
  SocketEvent,
} from "@welshman/net";
import type { Filter, TrustedEvent } from "@welshman/util";
import { finalizeEvent } from "nostr-tools/pure";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { alice, bob, type Key, now, unique } from "../../support/keys.ts";
import { openClient, type Server, startServer, until } from "../../support/server.ts";

let server: Server;
const pools: Pool[] = [];

beforeAll(async () => {
  server = await startServer();
});

afterEach(() => {
  for (const pool of pools.splice(0)) pool.clear();
});

afterAll(() => server.stop());

/** A pool whose sockets log in by themselves, as those of Coracle and Flotilla do. */
function poolOf(by: Key): Pool {
  const auth = makeSocketPolicyAuth({ sign: async (template) => finalizeEvent(template, by.secret) });
  const pool = new Pool({ makeSocket: (url) => new Socket(url, [...defaultSocketPolicies, auth]) });
  pools.push(pool);
  return pool;
}

const relay = () => `${server.url}/`;

function publish(pool: Pool, event: ReturnType<typeof unique>) {
  return publishOne({ relay: relay(), event, context: { pool }, timeout: 5000 });
}

async function request(pool: Pool, filter: Filter): Promise<TrustedEvent[]> {
  return plain(await requestOne({ relay: relay(), filters: [filter], context: { pool }, autoClose: true }));
}

/** Without the marks that the library leaves on events. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

test("publishes and requests from the first moment: what was refused before the login is sent again", async () => {
  const pool = poolOf(alice);
  const event = unique(alice);
  // Nothing waits for the login here; the policies keep the messages and send them once more after it.
  expect(await publish(pool, event)).toMatchObject({ status: PublishStatus.Success });
  expect(pool.get(relay()).auth.status).toBe(AuthStatus.Ok);
  expect(await request(pool, { ids: [event.id] })).toEqual([event]);
  // The same in a connection whose first message is a request.
  expect(await request(poolOf(bob), { ids: [event.id] })).toEqual([event]);
  const client = await openClient(server.url);
  await client.auth(bob, server.url);
  expect(await client.query({ ids: [event.id] })).toEqual([event]);
  client.close();
});

test("is challenged and accepted within the 800 milliseconds each that Flotilla grants", async () => {
  const socket = new Socket(relay(), defaultSocketPolicies);
  await socket.auth.attemptAuth(async (template) => finalizeEvent(template, alice.secret));
  expect(socket.auth.status).toBe(AuthStatus.Ok);
  socket.cleanup();
});

test("receives live what another connection publishes", async () => {
  const reader = poolOf(alice);
  const writer = poolOf(bob);
  const event = unique(bob, { kind: 7 });
  const received: TrustedEvent[] = [];
  const done = new AbortController();
  const live = requestOne({
    relay: relay(),
    filters: [{ kinds: [7], authors: [bob.pubkey], since: now() }],
    context: { pool: reader },
    signal: done.signal,
    onEose: () => void publish(writer, event),
    onEvent: (event) => received.push(plain(event)),
  });
  await until("the event arrives", () => received.length > 0);
  expect(received).toEqual([event]);
  done.abort();
  await live;
});

test("a refused event is told with the relay's reason", async () => {
  const result = await publish(poolOf(alice), { ...unique(alice), sig: "0".repeat(128) });
  expect(result.status).toBe(PublishStatus.Failure);
  expect(result.detail).toMatch(/^invalid: /);
});

test('R-01-04b its keep-alive, ["PING"], is answered and the connection goes on', async () => {
  const pool = poolOf(alice);
  await publish(pool, unique(alice));
  const socket = pool.get(relay());
  const received: unknown[] = [];
  socket.on(SocketEvent.Receive, (message: unknown) => received.push(message));
  socket._ws?.send('["PING"]');
  await until("PONG arrives", () => received.length > 0);
  expect(received).toEqual([["PONG"]]);
  expect(await publish(pool, unique(alice))).toMatchObject({ status: PublishStatus.Success });
});
