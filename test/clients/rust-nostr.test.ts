import {
  Client,
  Duration,
  type Event,
  EventBuilder,
  EventId,
  Event as EventType,
  Filter,
  Keys,
  Kind,
  loadWasmAsync,
  NostrSigner,
  Timestamp,
} from "@rust-nostr/nostr-sdk";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { alice, bob, type Key, now, unique } from "../support/keys.ts";
import { openClient, type Server, startServer, until } from "../support/server.ts";

let server: Server;
const opened: Client[] = [];

beforeAll(async () => {
  await loadWasmAsync();
  server = await startServer();
});

afterEach(async () => {
  for (const client of opened.splice(0)) await client.shutdown();
});

afterAll(() => server.stop());

async function connected(by: Key): Promise<Client> {
  const client = new Client(NostrSigner.keys(Keys.parse(Buffer.from(by.secret).toString("hex"))));
  client.automaticAuthentication(true);
  opened.push(client);
  await client.addRelay(server.url);
  await client.connect();
  return client;
}

const fiveSeconds = () => Duration.fromSecs(5);
const byId = (id: string) => new Filter().id(EventId.parse(id));

async function fetchIds(client: Client, filter: Filter): Promise<string[]> {
  return (await client.fetchEvents(filter, fiveSeconds())).toVec().map((event) => event.id.toHex());
}

test("publishes and fetches from the first moment: it logs in on the refusal and sends again", async () => {
  const client = await connected(alice);
  const output = await client.sendEventBuilder(EventBuilder.textNote(crypto.randomUUID()));
  expect(output.failed.map(({ error }) => error)).toEqual([]);
  expect(output.success).toEqual([server.url]);
  const id = output.id.toHex();
  expect(await fetchIds(client, byId(id))).toEqual([id]);
  // The same in a connection whose first message is a request.
  expect(await fetchIds(await connected(bob), byId(id))).toEqual([id]);
  const raw = await openClient(server.url);
  await raw.auth(bob, server.url);
  expect((await raw.query({ ids: [id] })).map((event) => event.id)).toEqual([id]);
  raw.close();
});

test("accepts what others have signed, unchanged", async () => {
  const client = await connected(alice);
  const event = unique(bob, { tags: [["t", "päivää"]], content: 'quote " and \\ and \u0001 and 🐟' });
  const raw = await openClient(server.url);
  await raw.auth(bob, server.url);
  expect((await raw.publish(event))[2]).toBe(true);
  const [found] = (await client.fetchEvents(byId(event.id), fiveSeconds())).toVec();
  expect(JSON.parse(found?.asJson() ?? "null")).toEqual(event);
  raw.close();
});

test("receives live what another connection publishes", async () => {
  const reader = await connected(alice);
  const writer = await connected(bob);
  await reader.subscribe(new Filter().kind(new Kind(7)).since(Timestamp.fromSecs(now())));
  let published = "";
  const live = new Promise<string>((resolve, reject) => {
    reader.handleNotifications({
      handleEvent: async (_url: string, _subscription: string, event: Event) => {
        resolve(event.id.toHex());
        return true;
      },
      handleMsg: async (_url: string, message: { asEnum?: unknown; asJson(): string }) => {
        const [verb] = JSON.parse(message.asJson()) as [string];
        if (verb === "EOSE" && published === "") {
          const output = await writer.sendEventBuilder(new EventBuilder(new Kind(7), crypto.randomUUID()));
          published = output.id.toHex();
          if (output.success.length === 0) reject(new Error("not published"));
        }
        return false;
      },
    });
  });
  const received = await live;
  await until("the writer knows the id", () => published !== "");
  expect(received).toBe(published);
});

test("a refused event is told with the relay's reason", async () => {
  const client = await connected(alice);
  const tooLate = unique(alice, { created_at: now() + 86_400 });
  const output = await client.sendEvent(EventType.fromJson(JSON.stringify(tooLate)));
  expect(output.success).toEqual([]);
  expect(output.failed.map(({ error }) => error)).toEqual([expect.stringMatching(/invalid: /)]);
});

test("R-07-20 a request that nobody hears is published: the hint of its OK is no failure", async () => {
  const client = await connected(alice);
  const { id, success, failed } = await client.sendEventBuilder(new EventBuilder(new Kind(5050), "x"));
  expect([success, failed.length]).toEqual([[server.url], 0]);
  expect(await fetchIds(client, byId(id.toHex()))).toEqual([id.toHex()]);
});
