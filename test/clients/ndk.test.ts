import { once } from "node:events";
import NDK, {
  NDKEvent,
  type NDKFilter,
  type NDKKind,
  NDKPrivateKeySigner,
  NDKRelayAuthPolicies,
  NDKSubscriptionCacheUsage,
} from "@nostr-dev-kit/ndk";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { alice, bob, type Key, now } from "../support/keys.ts";
import { openClient, type Server, startServer } from "../support/server.ts";

let server: Server;
const opened: NDK[] = [];

beforeAll(async () => {
  server = await startServer();
});

afterEach(() => {
  for (const ndk of opened.splice(0)) for (const relay of ndk.pool.relays.values()) relay.disconnect();
});

afterAll(() => server.stop());

/** An NDK that knows this relay only; not connected yet. */
function ndkOf(by: Key): NDK {
  const ndk = new NDK({
    explicitRelayUrls: [server.url],
    enableOutboxModel: false,
    autoConnectUserRelays: false,
    signer: new NDKPrivateKeySigner(by.secret),
  });
  ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk });
  opened.push(ndk);
  return ndk;
}

async function loggedIn(by: Key): Promise<NDK> {
  const ndk = ndkOf(by);
  const authed = once(ndk.pool.getRelay(server.url, false), "authed");
  await ndk.connect();
  await authed;
  return ndk;
}

async function publish(ndk: NDK, kind: number): Promise<NDKEvent> {
  const event = new NDKEvent(ndk, { kind, content: crypto.randomUUID(), tags: [] });
  const relays = await event.publish();
  expect([...relays].map(({ url }) => url)).toEqual([`${server.url}/`]);
  return event;
}

const relayOnly = { cacheUsage: NDKSubscriptionCacheUsage.ONLY_RELAY };

test("signIn: logs in, publishes and fetches", async () => {
  const ndk = await loggedIn(alice);
  const event = await publish(ndk, 1);
  const found = await ndk.fetchEvents({ ids: [event.id] }, relayOnly);
  expect([...found].map((event) => event.rawEvent())).toEqual([event.rawEvent()]);
  // As seen by another client: it is really stored.
  const client = await openClient(server.url);
  await client.auth(bob, server.url);
  expect(await client.query({ ids: [event.id] })).toEqual([event.rawEvent()]);
  client.close();
});

test("signIn: receives live what another connection publishes", async () => {
  const [reader, writer] = await Promise.all([loggedIn(alice), loggedIn(bob)]);
  const live = new Promise<NDKEvent>((resolve) => {
    const filter: NDKFilter = { kinds: [7 as NDKKind], authors: [bob.pubkey], since: now() };
    let event: Promise<NDKEvent>;
    reader.subscribe(
      filter,
      { ...relayOnly, closeOnEose: false },
      {
        onEose: () => {
          event = publish(writer, 7);
        },
        onEvent: async (received) => {
          expect(received.id).toBe((await event).id);
          resolve(received);
        },
      },
    );
  });
  expect((await live).pubkey).toBe(bob.pubkey);
});

test("signIn: a subscription opened before the login is refused, opened again after it, and works", async () => {
  const writer = await loggedIn(bob);
  const stored = await publish(writer, 1111);
  const reader = ndkOf(alice);
  const ids: string[] = [];
  const arrived = new Promise<void>((resolve) => {
    reader.subscribe(
      { kinds: [1111 as NDKKind], authors: [bob.pubkey] },
      { ...relayOnly, closeOnEose: false },
      { onEvent: (event) => ids.push(event.id) === 2 && resolve() },
    );
  });
  const authed = once(reader.pool.getRelay(server.url, false), "authed");
  await reader.connect();
  await authed;
  const live = await publish(writer, 1111);
  await arrived;
  expect(ids.toSorted()).toEqual([stored.id, live.id].toSorted());
});

test("signIn: a refused event is told with the relay's reason", async () => {
  const ndk = await loggedIn(alice);
  const event = new NDKEvent(ndk, { kind: 1, content: "", tags: [], created_at: now() + 86_400 });
  const failure = once(ndk.pool.getRelay(server.url, false), "publish:failed");
  await expect(event.publish()).rejects.toThrow();
  const [, error] = (await failure) as [NDKEvent, Error];
  expect(error.message).toMatch(/^invalid: /);
});

test("R-06-06 signIn: an event published before the login is stored after it", async () => {
  const ndk = ndkOf(alice);
  const relay = ndk.pool.getRelay(server.url, false);
  const early = new NDKEvent(ndk, { kind: 1, content: "too early", tags: [] });
  await early.sign();
  const authed = once(relay, "authed");
  // In the moment of the connection: the event overtakes the login. NDK would never send it again.
  const outcome = new Promise<string>((resolve) => {
    ndk.pool.once("relay:connect", () => {
      relay
        .publish(early, 1500)
        .then(String, (error: Error) => error.message)
        .then(resolve);
    });
  });
  await ndk.connect();
  await authed;
  expect(await outcome).toBe("true");
});

test("R-06-06 signIn, cold: publish and fetch right after connect() wait for the login", async () => {
  const writer = ndkOf(alice);
  void writer.connect();
  const event = await publish(writer, 1);
  const reader = ndkOf(bob);
  void reader.connect();
  const found = await reader.fetchEvents({ ids: [event.id] }, relayOnly);
  expect([...found].map(({ id }) => id)).toEqual([event.id]);
});

test("R-07-20 a request that nobody hears is published: the hint of its OK is no failure", async () => {
  const ndk = await loggedIn(alice);
  const request = await publish(ndk, 5050);
  expect(await ndk.fetchEvents({ ids: [request.id] }, relayOnly)).toHaveProperty("size", 1);
});
