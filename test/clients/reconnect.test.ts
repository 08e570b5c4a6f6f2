import NDK, {
  type NDKKind,
  NDKPrivateKeySigner,
  NDKRelayAuthPolicies,
  NDKSubscriptionCacheUsage,
} from "@nostr-dev-kit/ndk";
import { Filter, Keys, Kind, loadWasmAsync, NostrSigner, Client as RustClient } from "@rust-nostr/nostr-sdk";
import { requestOne } from "@welshman/net";
import { Relay as ApplesauceRelay } from "applesauce-relay";
import { SimplePool, useWebSocketImplementation } from "nostr-tools/pool";
import { type EventTemplate, finalizeEvent } from "nostr-tools/pure";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket as WsPackage } from "ws";
import { alice, bob, unique } from "../support/keys.ts";
import { openClient, type Server, startServer, until } from "../support/server.ts";
import { newPool, relayOf } from "./pool.ts";

// After the relay was stopped with SIGTERM and started again on its port, every client library is back by itself: logged in,
// with the subscription that it had. The relay ends connections without a Close frame, since applesauce takes one for a
// goodbye and stays away.

const KIND = 7;
const BACK_MS = 45_000;

/** Subscribes to all events of {@link KIND}, as an application would; returns what ends it. */
type Subscribe = (server: Server, heard: (id: string) => void) => Promise<() => void>;

const sign = (template: EventTemplate) => finalizeEvent(template, alice.secret);

const LIBRARIES: Record<string, Subscribe> = {
  async "nostr-tools"(server, heard) {
    // Node's own WebSocket tells an error where browsers and this one only close, and after an error the library gives up.
    useWebSocketImplementation(WsPackage);
    const pool = new SimplePool({ enableReconnect: true });
    pool.automaticallyAuth = () => async (template) => sign(template);
    pool.subscribe([server.url], { kinds: [KIND] }, { onevent: ({ id }) => heard(id) });
    return () => pool.destroy();
  },
  async NDK(server, heard) {
    const ndk = new NDK({
      explicitRelayUrls: [server.url],
      enableOutboxModel: false,
      autoConnectUserRelays: false,
      signer: new NDKPrivateKeySigner(alice.secret),
    });
    ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk });
    // The library comes back by itself only as long as it has not logged in; an application calls it back.
    let isOver = false;
    ndk.pool.on("relay:disconnect", (relay) => {
      if (!isOver) setTimeout(() => relay.connect(), 1000);
    });
    const options = { cacheUsage: NDKSubscriptionCacheUsage.ONLY_RELAY, closeOnEose: false };
    ndk.subscribe({ kinds: [KIND as NDKKind] }, options, { onEvent: ({ id }) => heard(id) });
    await ndk.connect();
    return () => {
      isOver = true;
      for (const relay of ndk.pool.relays.values()) relay.disconnect();
    };
  },
  async applesauce(server, heard) {
    const relay = new ApplesauceRelay(server.url);
    // An application signs each challenge that comes.
    const logins = relay.challenge$.subscribe((challenge) => {
      if (challenge !== null) void relay.authenticate({ signEvent: sign });
    });
    const events = relay.subscription({ kinds: [KIND] }, { reconnect: true }).subscribe((message) => {
      if (message !== "EOSE") heard(message.id);
    });
    return () => {
      events.unsubscribe();
      logins.unsubscribe();
      relay.close();
    };
  },
  async welshman(server, heard) {
    const done = new AbortController();
    void requestOne({
      relay: relayOf(server),
      filters: [{ kinds: [KIND] }],
      context: { pool: newPool(alice) },
      signal: done.signal,
      onEvent: ({ id }) => heard(id),
    });
    return () => done.abort();
  },
  async "rust-nostr"(server, heard) {
    await loadWasmAsync();
    const client = new RustClient(NostrSigner.keys(Keys.parse(Buffer.from(alice.secret).toString("hex"))));
    client.automaticAuthentication(true);
    await client.addRelay(server.url);
    await client.connect();
    await client.subscribe(new Filter().kind(new Kind(KIND)));
    void client.handleNotifications({
      handleEvent: async (_url: string, _id: string, event: { id: { toHex(): string } }) => {
        heard(event.id.toHex());
        return false;
      },
      handleMsg: async () => false,
    });
    return () => void client.shutdown();
  },
};

let server: Server;
const heard = new Map<string, Set<string>>();
const ends: (() => void)[] = [];

/** Publishes an event of the kind that all libraries listen to. */
async function publish(): Promise<string> {
  const writer = await openClient(server.url);
  await writer.auth(bob, server.url);
  const event = unique(bob, { kind: KIND });
  expect((await writer.publish(event))[2]).toBe(true);
  writer.close();
  return event.id;
}

const hears = (name: string, id: string) => heard.get(name)?.has(id) === true;

let after = "";

beforeAll(async () => {
  // nostr-tools sends its REQ before it has read the challenge, and never again once it was refused (docs/limits.md).
  server = await startServer({ AUTH_GRACE_MS: "5000" });
  for (const [name, subscribe] of Object.entries(LIBRARIES)) {
    const ids = new Set<string>();
    heard.set(name, ids);
    ends.push(await subscribe(server, (id) => ids.add(id)));
  }
  const before = await publish();
  for (const name of heard.keys()) await until(`${name} is there`, () => hears(name, before));
  await server.restart();
  after = await publish();
});

afterAll(async () => {
  for (const end of ends) end();
  await server.stop();
});

test.each(Object.keys(LIBRARIES))(
  "after a restart %s is back by itself, with its subscription",
  async (name) => {
    await until(`${name} is back`, () => hears(name, after), BACK_MS);
    // And it is live.
    const live = await publish();
    await until(`${name} hears more`, () => hears(name, live));
  },
  BACK_MS + 15_000,
);
