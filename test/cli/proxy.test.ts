import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { SimplePool } from "nostr-tools/pool";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RawData, WebSocket } from "ws";
import { alice, bob, now, unique } from "../support/keys.ts";
import { freePort, until } from "../support/server.ts";
import { NEXUS, openPlace, type Place } from "./command.ts";

let place: Place;
let proxy: { url: string; port: number };
/** None may outlive the tests. */
const children: ChildProcess[] = [];

beforeAll(async () => {
  place = await openPlace();
  proxy = await startProxy(place.keyFile("alice.key", alice));
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await place.end();
});

async function startProxy(keyFile: string) {
  const port = await freePort();
  const args = [NEXUS, "proxy", "--json", "--port", String(port), "--key-file", keyFile, "--relay", place.server.url];
  const child = spawn(process.execPath, [...args, "--origin", "https://app.example"], {
    cwd: place.directory,
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.push(child);
  const [line] = await once(child.stdout, "data");
  const { url } = JSON.parse(String(line)) as { url: string };
  return { url, port };
}

/** A client that never logs in, and everything that it got. */
async function plainClient(url = proxy.url) {
  const got: [string, ...unknown[]][] = [];
  const socket = new WebSocket(url);
  socket.on("message", (data: RawData) => got.push(JSON.parse(String(data))));
  await once(socket, "open");
  const verbs = () => got.map(([verb]) => verb);
  const ids = () => got.filter(([verb]) => verb === "EVENT").map(([, , event]) => (event as { id: string }).id);
  return { got, verbs, ids, socket, send: (message: unknown) => socket.send(JSON.stringify(message)) };
}

test("what a client sends before the login is answered, and it sees no challenge", async () => {
  const client = await plainClient();
  const event = unique(alice);
  client.send(["EVENT", event]);
  client.send(["REQ", "own", { ids: [event.id] }]);
  await until("EOSE", () => client.verbs().includes("EOSE"));
  expect(client.verbs()).toEqual(["OK", "EVENT", "EOSE"]);
  expect(client.got[0]).toEqual(["OK", event.id, true, ""]);
  client.socket.close();
});

test("a library that cannot log in works unchanged", async () => {
  const pool = new SimplePool();
  const event = unique(alice);
  await Promise.all(pool.publish([proxy.url], event));
  expect(await pool.querySync([proxy.url], { ids: [event.id] })).toMatchObject([{ id: event.id }]);
  pool.close([proxy.url]);
});

test("its information document asks for no login", async () => {
  const response = await fetch(proxy.url.replace("ws", "http"), { headers: { Accept: "application/nostr+json" } });
  expect(await response.json()).toMatchObject({ name: "Nexus", limitation: { auth_required: false } });
});

test.each([
  ["https://evil.example", 403],
  ["https://app.example", 101],
])("a page of %s gets %i", async (origin, status) => {
  const headers = {
    Origin: origin,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
  };
  const sent = request({ host: "127.0.0.1", port: proxy.port, headers, agent: false }).end();
  const got = await Promise.race([once(sent, "upgrade"), once(sent, "response")]);
  sent.destroy();
  expect((got[0] as { statusCode: number }).statusCode).toBe(status);
});

test("after a kill of the relay subscriptions go on: nothing twice, nothing missing, one EOSE", async () => {
  const client = await plainClient();
  const other = await plainClient((await startProxy(place.keyFile("bob.key", bob))).url);
  const before = [unique(alice, { kind: 1234, created_at: now() - 5 }), unique(alice, { kind: 1234 })];
  for (const event of before) client.send(["EVENT", event]);
  await until("both OK", () => client.got.length === 2);
  client.send(["REQ", "live", { kinds: [1234], limit: 1 }]);
  client.send(["REQ", "closed", { kinds: [1234] }]);
  await until("both EOSE", () => client.verbs().filter((verb) => verb === "EOSE").length === 2);
  client.send(["CLOSE", "closed"]);
  const stored = client.ids();
  expect(stored).toHaveLength(3);

  await place.server.kill();
  // Sent while nobody listens: they wait, and arrive.
  const during = [unique(bob, { kind: 1234 }), unique(bob, { kind: 1234 }), unique(bob, { kind: 1234 })];
  for (const event of during) other.send(["EVENT", event]);
  await place.server.restart();
  await until("all OK", () => other.got.length === during.length);
  const isThere = () => during.every(({ id }) => client.ids().includes(id));
  await until("what came meanwhile", isThere);

  const last = unique(bob, { kind: 1234 });
  other.send(["EVENT", last]);
  await until("the live one", () => client.ids().includes(last.id));
  const live = client.got.filter(([verb, id]) => verb === "EVENT" && id === "live").length;
  expect(live).toBe(1 + during.length + 1);
  expect(new Set(client.ids().slice(stored.length)).size).toBe(during.length + 1);
  expect(client.verbs().filter((verb) => verb === "EOSE")).toHaveLength(2);
  expect(client.verbs()).not.toContain("AUTH");
  client.socket.close();
  other.socket.close();
});
