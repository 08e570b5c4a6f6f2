import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket as WsPackage } from "ws";
import { alice, unique } from "../support/keys.ts";
import { openClient, type Server, startServer, until } from "../support/server.ts";

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

// RFC 6455, 5.5.1: a close frame is answered with one that has the same code. Without it, a client waits for its own
// timeout and takes the end for a failure.
for (const code of [1000, 3000, 4999]) {
  test(`R-01-08 Node: close(${code}) is answered at once, and cleanly`, async () => {
    const client = await openClient(server.url);
    await client.auth(alice, server.url);
    await client.req("open", { kinds: [1] });
    client.close(code);
    await until("the close is answered", () => client.closed !== undefined, 5000);
    expect(client.closed?.code).toBe(code);
  });
}

for (const code of [undefined, 1000, 1001]) {
  test(`R-01-08 ws: close(${code ?? ""}) is answered at once, and cleanly`, async () => {
    const socket = new WsPackage(server.url);
    await once(socket, "message");
    const closed = once(socket, "close", { signal: AbortSignal.timeout(5000) });
    socket.close(code);
    const [answer] = await closed;
    // 1005: there was no code to repeat; a relay may name 1000 then.
    expect(code === undefined ? [1000, 1005] : [code]).toContain(answer);
  });
}

test("R-01-08 AUTH_TIMEOUT ws: a client that was silent sees 1008 at once, while others are served", async () => {
  const busy = await startServer({ AUTH_TIMEOUT: "1" });
  try {
    const client = await openClient(busy.url);
    await client.auth(alice, busy.url);
    const work = setInterval(() => client.send(["EVENT", unique(alice)]), 100);
    const socket = new WsPackage(busy.url);
    await once(socket, "open");
    // Without its end of the connection the library waits half a minute.
    const [code] = await once(socket, "close", { signal: AbortSignal.timeout(10_000) });
    clearInterval(work);
    expect(code).toBe(1008);
  } finally {
    await busy.stop();
  }
});

test("R-06-19 a closed connection is gone from the statistics", async () => {
  const client = await openClient(server.url);
  const connections = async () => {
    const statistics = (await (await fetch(`${server.httpUrl}/api/stats`)).json()) as { connections: number };
    return statistics.connections;
  };
  const before = await connections();
  expect(before).toBeGreaterThan(0);
  client.close();
  await until("it is gone", async () => (await connections()) < before, 5000);
});

test("R-08-04 R-01-07 max_frame_length: up to it a message is refused in the form of its verb, beyond it the connection ends with 1009", async () => {
  const response = await fetch(server.httpUrl, { headers: { Accept: "application/nostr+json" } });
  const { limitation } = (await response.json()) as { limitation: { max_frame_length: number } };
  const req = (length: number) => '["REQ","s",{"search":"'.padEnd(length - 3, "x").concat('"}]');
  const client = await openClient(server.url);
  client.send(req(limitation.max_frame_length));
  expect(await client.next(20_000)).toEqual(["CLOSED", "s", expect.stringMatching(/^invalid: .*too large/)]);
  client.send(req(limitation.max_frame_length + 1));
  await until("the connection has ended", () => client.closed !== undefined, 20_000);
  expect(client.closed?.code).toBe(1009);
});
