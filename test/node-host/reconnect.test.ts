import NDK, { NDKPrivateKeySigner, NDKRelayAuthPolicies, NDKSubscriptionCacheUsage } from "@nostr-dev-kit/ndk";
import {
  Keys,
  Kind,
  loadWasmAsync,
  NostrSigner,
  Client as RustClient,
  Filter as RustFilter,
} from "@rust-nostr/nostr-sdk";
import { defaultSocketPolicies, makeSocketPolicyAuth, Pool, request, Socket } from "@welshman/net";
import { Relay } from "applesauce-relay";
import { SimplePool } from "nostr-tools/pool";
import { type EventTemplate, finalizeEvent } from "nostr-tools/pure";
import { filter } from "rxjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, unique } from "../support/keys.ts";
import { openClient, type Server, startServer, until } from "../support/server.ts";

const KIND = 7;

let server: Server;
/** Contents of the events that each library has been given. */
const received = new Map<string, Set<string>>();
const closers: (() => unknown)[] = [];

const sign = (template: EventTemplate) => finalizeEvent(template, alice.secret);

function give(library: string, content: string): void {
  const contents = received.get(library) ?? new Set();
  received.set(library, contents.add(content));
}

/** Each logs in and subscribes as an application does that is written once, and does nothing more. */
const LIBRARIES: Record<string, () => unknown> = {
  NDK() {
    const signer = new NDKPrivateKeySigner(alice.secret);
    const ndk = new NDK({
      explicitRelayUrls: [server.url],
      enableOutboxModel: false,
      autoConnectUserRelays: false,
      signer,
    });
    ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk });
    closers.push(() => ndk.pool.relays.forEach((relay) => void relay.disconnect()));
    ndk.subscribe(
      { kinds: [KIND] },
      { cacheUsage: NDKSubscriptionCacheUsage.ONLY_RELAY, closeOnEose: false },
      { onEvent: ({ content }) => give("NDK", content) },
    );
    return ndk.connect();
  },
  "nostr-tools"() {
    const pool = new SimplePool({ enableReconnect: true });
    pool.automaticallyAuth = () => async (template) => sign(template);
    closers.push(() => pool.destroy());
    pool.subscribe(
      [server.url],
      { kinds: [KIND] },
      { onevent: ({ content }) => give("nostr-tools", content), onauth: async (template) => sign(template) },
    );
  },
  applesauce() {
    const relay = new Relay(server.url);
    closers.push(() => relay.close());
    relay.challenge$.pipe(filter((challenge) => challenge !== null)).subscribe(() => {
      void relay.authenticate({ signEvent: sign });
    });
    relay.subscription({ kinds: [KIND] }).subscribe({
      next: (event) => typeof event !== "string" && give("applesauce", event.content),
    });
  },
  welshman() {
    const auth = makeSocketPolicyAuth({ sign: async (template) => sign(template) });
    const pool = new Pool({ makeSocket: (url) => new Socket(url, [...defaultSocketPolicies, auth]) });
    closers.push(() => pool.clear());
    void request({
      relays: [`${server.url}/`],
      filters: [{ kinds: [KIND] }],
      context: { pool },
      onEvent: ({ content }) => give("welshman", content),
    });
  },
  async "rust-nostr"() {
    const client = new RustClient(NostrSigner.keys(Keys.parse(Buffer.from(alice.secret).toString("hex"))));
    client.automaticAuthentication(true);
    closers.push(() => client.shutdown());
    await client.addRelay(server.url);
    await client.connect();
    await client.subscribe(new RustFilter().kind(new Kind(KIND)));
    void client.handleNotifications({
      handleEvent: async (_url: string, _id: string, event: { content: string }) => {
        give("rust-nostr", event.content);
        return false;
      },
      handleMsg: async () => false,
    });
  },
};

beforeAll(async () => {
  await loadWasmAsync();
  // nostr-tools subscribes anew before it has logged in again.
  server = await startServer({ AUTH_GRACE_MS: "5000" });
});

afterAll(async () => {
  for (const close of closers) await close();
  await server.stop();
});

/** Publishes an event now and then, until every library has been given one of them. */
async function reaches(libraries: string[], timeoutMs: number): Promise<void> {
  const writer = await openClient(server.url);
  await writer.auth(bob, server.url);
  const published: string[] = [];
  const missing = () => libraries.filter((name) => !published.some((content) => received.get(name)?.has(content)));
  const deadline = Date.now() + timeoutMs;
  while (missing().length > 0 && Date.now() < deadline) {
    const event = unique(bob, { kind: KIND });
    published.push(event.content);
    expect((await writer.publish(event))[2]).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  writer.close();
  expect(missing()).toEqual([]);
}

// NDK tries once, a second after the end: on a busy machine the relay may not be back by then.
test("after SIGTERM and a new start every library is back by itself, with its subscription", {
  retry: 3,
  timeout: 240_000,
}, async () => {
  const names = Object.keys(LIBRARIES);
  for (const subscribe of Object.values(LIBRARIES)) await subscribe();
  await reaches(names, 60_000);
  const startedAt = Date.now();
  await server.kill("SIGTERM");
  expect(Date.now() - startedAt).toBeLessThan(2000);
  expect(server.exitCode()).toBe(0);
  await server.restart();
  await reaches(names, 60_000);
});

test("a client that is told of the end sees it at once", async () => {
  const client = await openClient(server.url);
  await server.kill("SIGTERM");
  await until("the client sees the end", () => client.closed !== undefined, 1000);
  await server.restart();
});
