import { Relay, RelayPool } from "applesauce-relay";
import { finalizeEvent } from "nostr-tools/pure";
import { filter, firstValueFrom, lastValueFrom, take, timeout, toArray } from "rxjs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { alice, bob, type Key, now, unique } from "../support/keys.ts";
import { openClient, type Server, startServer, until } from "../support/server.ts";

let server: Server;
const opened: { close(): void }[] = [];

beforeAll(async () => {
  server = await startServer();
});

afterEach(() => {
  for (const closable of opened.splice(0)) closable.close();
});

afterAll(() => server.stop());

const signer = (by: Key) => ({
  signEvent: (template: Parameters<typeof finalizeEvent>[0]) => finalizeEvent(template, by.secret),
});

/** What an application does: it connects, by any message, and signs the challenge when it has come. */
async function logIn(relay: Relay, by: Key): Promise<void> {
  const connection = relay.req({ limit: 0 }).subscribe({ error: () => {} });
  await firstValueFrom(relay.challenge$.pipe(filter((challenge) => challenge !== null)));
  expect(await relay.authenticate(signer(by))).toMatchObject({ ok: true, message: "" });
  connection.unsubscribe();
  expect(relay.authenticatedAs).toBe(by.pubkey);
}

async function relayOf(by: Key): Promise<Relay> {
  const relay = new Relay(server.url);
  opened.push(relay);
  await logIn(relay, by);
  return relay;
}

/** Without the marks that the library leaves on events. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

const within5s = timeout({ each: 5000 });

test("Relay: logs in, publishes, requests and counts", async () => {
  const relay = await relayOf(alice);
  const event = unique(alice);
  expect(await relay.publish(event)).toMatchObject({ ok: true });
  const found = await lastValueFrom(relay.request({ ids: [event.id] }).pipe(toArray(), within5s));
  expect(plain(found)).toEqual([event]);
  expect(await firstValueFrom(relay.count({ ids: [event.id] }))).toEqual({ count: 1 });
});

test("Relay: receives live what another connection publishes", async () => {
  const reader = await relayOf(alice);
  const writer = await relayOf(bob);
  const event = unique(bob, { kind: 7 });
  const messages: unknown[] = [];
  const subscription = reader
    .req({ kinds: [7], authors: [bob.pubkey], since: event.created_at })
    .subscribe((message) => {
      if (message.type === "EOSE") void writer.publish(event);
      if (message.type === "EVENT") messages.push(plain(message.event));
    });
  await until("the event arrives", () => messages.length > 0);
  expect(messages).toEqual([event]);
  subscription.unsubscribe();
});

test("Relay: a request and an event sent before the login are refused, wait for it, and are sent again", async () => {
  const stored = unique(alice);
  const client = await openClient(server.url);
  await client.auth(bob, server.url);
  expect((await client.publish(stored))[2]).toBe(true);

  const relay = new Relay(server.url);
  opened.push(relay);
  const request = lastValueFrom(relay.request({ ids: [stored.id] }).pipe(toArray(), within5s));
  const event = unique(alice);
  const publication = relay.publish(event);
  await firstValueFrom(
    relay.status$.pipe(
      filter((status) => status.authRequiredForRead),
      take(1),
      within5s,
    ),
  );
  await relay.authenticate(signer(alice));
  expect(plain(await request)).toEqual([stored]);
  expect(await publication).toMatchObject({ ok: true });
  expect(await client.query({ ids: [event.id] })).toEqual([event]);
  client.close();
});

test("Relay: a refused event is told with the relay's reason", async () => {
  const relay = await relayOf(alice);
  const result = await relay.publish({ ...unique(alice), sig: "0".repeat(128) });
  expect(result.ok).toBe(false);
  expect(result.message).toMatch(/^invalid: /);
});

test("RelayPool: publishes, requests and receives live through a relay that has logged in", async () => {
  const pool = new RelayPool();
  opened.push(pool);
  await logIn(pool.relay(server.url), alice);
  const event = unique(alice, { kind: 16 });
  const live = firstValueFrom(pool.subscription([server.url], { kinds: [16], since: now() - 60 }).pipe(within5s));
  expect(await pool.publish([server.url], event)).toMatchObject([{ ok: true }]);
  expect(plain(await live)).toEqual(event);
  const found = await lastValueFrom(pool.request([server.url], { ids: [event.id] }).pipe(toArray(), within5s));
  expect(plain(found)).toEqual([event]);
});

test("R-07-20 a request that nobody hears is published: the hint of its OK is no failure", async () => {
  const relay = await relayOf(alice);
  const request = unique(alice, { kind: 5050, tags: [["i", "x", "text"]] });
  expect(await relay.publish(request)).toMatchObject({
    ok: true,
    message: expect.stringMatching(/^info: no provider/),
  });
});
