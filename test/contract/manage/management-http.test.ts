import { describe, expect, test } from "vitest";
import { admin, alice } from "../../support/keys.ts";
import { authorization, HTTP_URL, headerOf, post, RPC } from "../../support/manage.ts";
import { freshRelay } from "../../support/relay.ts";

const relay = freshRelay();
const BODY = '{"method":"supportedmethods","params":[]}';

function expectCors({ headers }: Response): void {
  expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(headers.get("Access-Control-Allow-Methods")).toBe("GET, HEAD, POST, OPTIONS");
  expect(headers.get("Access-Control-Allow-Headers")).toBe("Authorization, Content-Type, Accept");
}

describe("R-08-09 a POST is for management", () => {
  test.each([
    { "Content-Type": RPC },
    { "Content-Type": `${RPC}; charset=utf-8` },
    { "Content-Type": "Application/Nostr+JSON+RPC" },
    { "Content-Type": RPC, Accept: "application/nostr+json" },
    { "Content-Type": "application/json", Accept: `text/html, ${RPC}` },
    { Accept: RPC },
  ])("with %j", async (headers) => {
    const response = await post(relay.fetch, BODY, { headers });
    expect(response.status).toBe(200);
    expectCors(response);
    expect(response.headers.get("Content-Type")).toMatch(/^application\/json\b/);
    expect(await response.json()).toEqual({ result: expect.arrayContaining(["supportedmethods"]) });
  });

  test.each([
    { "Content-Type": "application/json" },
    { "Content-Type": "application/nostr+json" },
    { "Content-Type": `${RPC}x` },
    { "Content-Type": "text/plain", Accept: "application/nostr+json" },
    { "Content-Type": "text/plain", Accept: `${RPC};q=0` },
  ])("but not with %j: 415", async (headers) => {
    const response = await post(relay.fetch, BODY, { headers });
    expect(response.status).toBe(415);
    expectCors(response);
  });

  test("R-08-01 a GET with that type in Accept gets the page", async () => {
    const response = await relay.fetch(HTTP_URL, { headers: { Accept: RPC } });
    expect(response.headers.get("Content-Type")).toMatch(/^text\/html\b/);
  });
});

test("T-128 R-05-72 without header: 401, with an error, a challenge and the CORS headers", async () => {
  const response = await post(relay.fetch, BODY, { header: "" });
  expect(response.status).toBe(401);
  expect(response.headers.get("WWW-Authenticate")).toMatch(/^Nostr\b/);
  expectCors(response);
  expect(await response.json()).toEqual({ result: null, error: expect.stringMatching(/^auth-required: ./) });
});

test("R-05-72 a valid key that is no admin's: 403, and its event is not kept", async () => {
  const header = headerOf(authorization(alice, BODY));
  for (let n = 0; n < 2; n++) {
    const response = await post(relay.fetch, BODY, { header });
    expect(response.status).toBe(403);
    expectCors(response);
    expect(await response.json()).toEqual({ result: null, error: expect.stringMatching(/^restricted: ./) });
  }
});

test.each([
  "",
  "hello",
  "null",
  "[]",
  '"supportedmethods"',
  "{}",
  '{"method":"supportedmethods"}',
  '{"method":"supportedmethods","params":{}}',
  '{"method":"supportedmethods","params":null}',
  '{"method":"supportedmethods","params":"x"}',
  '{"method":1,"params":[]}',
  '{"method":["supportedmethods"],"params":[]}',
  '{"params":[]}',
  `${BODY}x`,
])("R-05-72 the body %j: 400", async (body) => {
  const response = await post(relay.fetch, body);
  expect(response.status).toBe(400);
  expectCors(response);
  expect(await response.json()).toEqual({ result: null, error: expect.stringMatching(/^invalid: ./) });
});

test.each(["", "SUPPORTEDMETHODS", "constructor", "__proto__", "createrole", "x".repeat(1000)])(
  "R-05-73 the unknown or disabled method %j: 200 with an error",
  async (method) => {
    const response = await post(relay.fetch, JSON.stringify({ method, params: [] }));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ result: null, error: expect.stringMatching(/^unsupported: ./) });
  },
);

describe("R-08-08 a body", () => {
  const bodyOf = (bytes: number) => `${BODY}${" ".repeat(bytes - BODY.length)}`;

  test("of 2 MiB is read", async () => {
    expect((await post(relay.fetch, bodyOf(1 << 21))).status).toBe(200);
  });

  test("of a byte more: 413, also without an Authorization header", async () => {
    for (const header of [undefined, ""]) {
      const response = await post(relay.fetch, bodyOf((1 << 21) + 1), header === undefined ? {} : { header });
      expect(response.status).toBe(413);
      expectCors(response);
      expect(await response.json()).toEqual({ result: null, error: expect.stringMatching(/^invalid: ./) });
    }
  });

  test("of another type is too large all the same", async () => {
    const headers = { "Content-Type": "application/json" };
    expect((await post(relay.fetch, bodyOf(1 << 21), { headers })).status).toBe(415);
    expect((await post(relay.fetch, bodyOf((1 << 21) + 1), { headers })).status).toBe(413);
  });

  test("of unknown length is read no further than that", async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65536;
        if (sent > 64 << 20) controller.close();
        else controller.enqueue(new Uint8Array(65536));
      },
    });
    const headers = { "Content-Type": RPC, Authorization: headerOf(authorization(admin, BODY)) };
    const response = await relay.fetch(HTTP_URL, { method: "POST", body: endless, headers });
    expect(response.status).toBe(413);
    expect(sent).toBeLessThan(32 << 20);
  });
});

test("R-08-03 the preflight of a browser is answered", async () => {
  const preflight = {
    Origin: "https://app.example.com",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
  };
  const response = await relay.fetch(HTTP_URL, { method: "OPTIONS", headers: preflight });
  expect(response.status).toBe(204);
  expectCors(response);
});

test("R-08-08 other methods: 405, with POST among the allowed", async () => {
  const response = await relay.fetch(HTTP_URL, { method: "PUT", headers: { "Content-Type": RPC } });
  expect(response.status).toBe(405);
  expect(response.headers.get("Allow")).toBe("GET, HEAD, POST, OPTIONS");
  expectCors(response);
});

test("NIP-11 lists 86 and 98", async () => {
  const response = await relay.fetch(HTTP_URL, { headers: { Accept: "application/nostr+json" } });
  const { supported_nips } = (await response.json()) as { supported_nips: number[] };
  expect(supported_nips).toEqual(expect.arrayContaining([86, 98]));
});
