import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openClient, type Server, startServer, until } from "../support/server.ts";

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

const KEY = { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };
const VERSION = { "Sec-WebSocket-Version": "13" };

/** The status of an upgrade request as it goes over the wire. */
function upgrade(headers: Record<string, string>, method = "GET", path = "/"): Promise<number | undefined> {
  const all = { Connection: "Upgrade", Upgrade: "websocket", ...headers };
  return new Promise((resolve, reject) => {
    const sent = request(server.httpUrl + path, { method, headers: all, agent: false });
    sent.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response.statusCode);
    });
    sent.on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on("error", reject);
    sent.end();
  });
}

test("R-01-01 a complete upgrade request is accepted", async () => {
  expect(await upgrade({ ...KEY, ...VERSION })).toBe(101);
});

for (const [what, headers] of [
  ["without version", KEY],
  ["with version 8", { ...KEY, "Sec-WebSocket-Version": "8" }],
  ["without key", VERSION],
  ["with a key that is not base64 of 16 bytes", { ...VERSION, "Sec-WebSocket-Key": "x" }],
] as [string, Record<string, string>][]) {
  test(`R-08-08 an upgrade request ${what} gets 400 or 426`, async () => {
    expect([400, 426]).toContain(await upgrade(headers));
  });
}

test("R-08-08 an upgrade request with POST is refused", async () => {
  expect([400, 405, 426]).toContain(await upgrade({ ...KEY, ...VERSION }, "POST"));
});

for (const path of ["/ws", "/x", "//"]) {
  test(`T-036 R-01-01 an upgrade request for ${path} gets 404`, async () => {
    expect(await upgrade({ ...KEY, ...VERSION }, "GET", path)).toBe(404);
  });
}

for (const code of [1000, 4000]) {
  test(`R-01-08 a client that closes with ${code} sees ${code}, not 1006`, async () => {
    const client = await openClient(server.url);
    client.close(code);
    await until("the close is answered", () => client.closed !== undefined, 3000);
    expect(client.closed?.code).toBe(code);
  });
}

test.each([
  ["without Host", 400, "GET / HTTP/1.1\r\n\r\n"],
  [
    "with an odd Expect",
    417,
    "POST / HTTP/1.1\r\nHost: x\r\nExpect: odd\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
  ],
  ["that is none", 400, "GET\r\n\r\n"],
  ["with an odd length", 400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"],
  ["with long headers", 431, `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(40_000)}\r\n\r\n`],
])("R-08-10 a request %s gets %i with the headers of every answer", async (_, status, text) => {
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(server.port, "127.0.0.1");
    let got = "";
    socket.on("data", (bytes) => {
      got += bytes;
      if (got.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(got));
    socket.write(text);
  });
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  for (const name of ["Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"]) {
    expect(answer.toLowerCase()).toContain(`\r\n${name.toLowerCase()}: `);
  }
});
