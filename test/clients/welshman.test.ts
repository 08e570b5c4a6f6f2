import { AuthStatus, defaultSocketPolicies, PublishStatus, requestOne, Socket, SocketEvent } from "@welshman/net";
import type { TrustedEvent } from "@welshman/util";
import { finalizeEvent } from "nostr-tools/pure";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, unique } from "../support/keys.ts";
import { openClient, type Server, startServer, until } from "../support/server.ts";
import { plain, poolOf, publish, relayOf, request } from "./pool.ts";

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

test("publishes and requests from the first moment: what was refused before the login is sent again", async () => {
  const pool = poolOf(alice);
  const event = unique(alice);
  // Nothing waits for the login here; the policies keep the messages and send them once more after it.
  expect(await publish(pool, server, event)).toMatchObject({ status: PublishStatus.Success });
  expect(pool.get(relayOf(server)).auth.status).toBe(AuthStatus.Ok);
  expect(await request(pool, server, { ids: [event.id] })).toEqual([event]);
  // The same in a connection whose first message is a request.
  expect(await request(poolOf(bob), server, { ids: [event.id] })).toEqual([event]);
  const client = await openClient(server.url);
  await client.auth(bob, server.url);
  expect(await client.query({ ids: [event.id] })).toEqual([event]);
  client.close();
});

test("is challenged and accepted within the 800 milliseconds each that Flotilla grants", async () => {
  const socket = new Socket(relayOf(server), defaultSocketPolicies);
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
    relay: relayOf(server),
    filters: [{ kinds: [7], authors: [bob.pubkey], since: event.created_at }],
    context: { pool: reader },
    signal: done.signal,
    onEose: () => void publish(writer, server, event),
    onEvent: (event) => received.push(plain(event)),
  });
  await until("the event arrives", () => received.length > 0);
  expect(received).toEqual([event]);
  done.abort();
  await live;
});

test("a refused event is told with the relay's reason", async () => {
  const result = await publish(poolOf(alice), server, { ...unique(alice), sig: "0".repeat(128) });
  expect(result.status).toBe(PublishStatus.Failure);
  expect(result.detail).toMatch(/^invalid: /);
});

test('R-01-04b its keep-alive, ["PING"], is answered and the connection goes on', async () => {
  const pool = poolOf(alice);
  await publish(pool, server, unique(alice));
  const socket = pool.get(relayOf(server));
  const received: unknown[] = [];
  socket.on(SocketEvent.Receive, (message: unknown) => received.push(message));
  socket._ws?.send('["PING"]');
  await until("PONG arrives", () => received.some((message) => JSON.stringify(message) === '["PONG"]'));
  expect(await publish(pool, server, unique(alice))).toMatchObject({ status: PublishStatus.Success });
});

test("R-07-20 a request that nobody hears is published: the hint of its OK is no failure", async () => {
  const request = unique(alice, { kind: 5050, tags: [["i", "x", "text"]] });
  expect(await publish(poolOf(alice), server, request)).toMatchObject({ status: PublishStatus.Success });
});
