import { describe, expect, test } from "vitest";
import { freshRelay } from "../../support/relay.ts";

/** As it is without configuration, in all that the document says. */
const relay = freshRelay();

const NOSTR = "application/nostr+json";
const UPGRADE = { Upgrade: "websocket", Connection: "Upgrade" };
const HANDSHAKE = { ...UPGRADE, "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };

function request(path: string, method = "GET", headers: Record<string, string> = {}): Promise<Response> {
  return relay.fetch(path, { method, headers });
}

/** R-08-03: exactly these, so that browsers may send Authorization. */
function expectCors({ headers }: Response): void {
  expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(headers.get("Access-Control-Allow-Methods")).toBe("GET, HEAD, POST, OPTIONS");
  expect(headers.get("Access-Control-Allow-Headers")).toBe("Authorization, Content-Type, Accept");
}

const INFORMATION = [
  NOSTR,
  "APPLICATION/Nostr+JSON",
  `text/html, ${NOSTR};q=0.9`,
  `text/html,${NOSTR}`,
  `${NOSTR} ; charset=utf-8 , */*`,
  `${NOSTR};q=0.001`,
  `${NOSTR}+rpc, ${NOSTR}`,
];

test.each(INFORMATION)("T-138 R-08-01 R-08-02 Accept '%s' gets the NIP-11 document", async (accept) => {
  const response = await request("/", "GET", { Accept: accept });
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe(NOSTR);
  expect(response.headers.get("Vary")).toMatch(/\baccept\b/i);
  expectCors(response);
  expect(await response.json()).toMatchObject({ name: "Nexus" });
});

const PAGE = [undefined, "", "text/html", "*/*", "application/json", `${NOSTR}+rpc`, `x-${NOSTR}`, `${NOSTR};q=0`];

test.each([...PAGE, `${NOSTR};q=0.000, text/html`])("T-138 R-08-01 Accept '%s' gets the page", async (accept) => {
  const response = await request("/", "GET", accept === undefined ? {} : { Accept: accept });
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toMatch(/^text\/html\b/);
  expect(response.headers.get("Vary")).toMatch(/\baccept\b/i);
  expect(await response.text()).toMatch(/^<!doctype html>/i);
});

test("T-139 R-06-24 without configuration the NIP-11 document has the defaults, and nothing empty", async () => {
  const text = await (await request("/", "GET", { Accept: NOSTR })).text();
  const document = JSON.parse(text) as Record<string, unknown>;
  expect(document).toMatchObject({
    name: "Nexus",
    supported_nips: expect.arrayContaining([1, 11, 42, 89, 90]),
    software: expect.stringMatching(/^https?:\/\/./),
    version: expect.stringMatching(/./),
  });
  const nips = document.supported_nips as number[];
  expect(nips).toEqual([...new Set(nips)].sort((x, y) => x - y));
  expect(document.limitation).toEqual(
    expect.objectContaining({
      max_message_length: 1048576,
      max_subscriptions: 200,
      max_limit: 5000,
      default_limit: 500,
      max_subid_length: 64,
      max_event_tags: 12000,
      max_content_length: 250000,
      min_pow_difficulty: 0,
      auth_required: true,
      payment_required: false,
      restricted_writes: false,
      created_at_upper_limit: 900,
    }),
  );
  expect(document.limitation).not.toHaveProperty("created_at_lower_limit");
  for (const member of ["description", "pubkey", "contact", "self", "banner", "icon", "fees", "payments_url"]) {
    expect(document).not.toHaveProperty(member);
  }
  expect(text).not.toMatch(/:(null|""|\[\]|\{\})/);
});

test.each([
  ["/", { Accept: NOSTR }],
  ["/", { Accept: "text/html" }],
  ["/health", {}],
  ["/api/stats", {}],
])("R-08-01 HEAD %s answers as GET does, without body", async (path, headers: Record<string, string>) => {
  const [head, get] = [await request(path, "HEAD", headers), await request(path, "GET", headers)];
  expect(head.status).toBe(200);
  for (const name of ["Content-Type", "Vary", "Access-Control-Allow-Origin"]) {
    expect(head.headers.get(name)).toBe(get.headers.get(name));
  }
  expect(await head.text()).toBe("");
  expect(await get.text()).not.toBe("");
});

describe.each(["/", "/health", "/api/stats"])("the path %s", (path) => {
  test("T-140 R-08-03 OPTIONS: 204 with the CORS headers", async () => {
    const preflight = { Origin: "https://example.com", "Access-Control-Request-Method": "GET" };
    const response = await request(path, "OPTIONS", preflight);
    expect(response.status).toBe(204);
    expectCors(response);
    expect(await response.text()).toBe("");
  });

  test.each(["PUT", "DELETE", "PATCH"])("R-08-08 %s: 405 with Allow", async (method) => {
    const response = await request(path, method);
    expect(response.status).toBe(405);
    const allowed = (response.headers.get("Allow") ?? "").split(", ");
    expect(allowed).toEqual(expect.arrayContaining(["GET", "HEAD", "OPTIONS"]));
    expect(allowed).not.toContain(method);
  });
});

test.each(["/health", "/api/stats"])("R-08-03 GET %s has the CORS headers", async (path) => {
  const response = await request(path);
  expect(response.status).toBe(200);
  expectCors(response);
});

test.each(["/health", "/api/stats"])("R-08-08 POST %s: 405 with Allow", async (path) => {
  const response = await request(path, "POST");
  expect(response.status).toBe(405);
  expect(response.headers.get("Allow")).toMatch(/\bGET\b/);
});

test("R-08-08 R-08-09 POST of what is not NIP-86: 405 or 415, and never a page", async () => {
  const response = await request("/", "POST", { "Content-Type": "application/json", Accept: NOSTR });
  expect([405, 415]).toContain(response.status);
});

describe.each(["/ws", "/x", "/index.html", "/health/", "/healthz", "/api", "/api/stats/x"])(
  "R-08-08 the path %s",
  (path) => {
    test.each(["GET", "HEAD", "POST", "OPTIONS"])("%s: 404", async (method) => {
      expect((await request(path, method, { Accept: NOSTR })).status).toBe(404);
    });

    test("T-036 R-01-01 upgrade: 404", async () => {
      const response = await request(path, "GET", HANDSHAKE);
      expect(response.status).toBe(404);
    });
  },
);

test.each(["/health", "/api/stats"])("R-01-01 %s is no place for an upgrade: 404", async (path) => {
  expect((await request(path, "GET", HANDSHAKE)).status).toBe(404);
});

test.each([
  ["no version", { ...UPGRADE, "Sec-WebSocket-Key": HANDSHAKE["Sec-WebSocket-Key"] }],
  ["version 8", { ...HANDSHAKE, "Sec-WebSocket-Version": "8" }],
  ["no key", { ...UPGRADE, "Sec-WebSocket-Version": "13" }],
  ["an empty key", { ...HANDSHAKE, "Sec-WebSocket-Key": "" }],
  ["a key of the wrong length", { ...HANDSHAKE, "Sec-WebSocket-Key": "x" }],
])("R-08-08 an upgrade with %s is refused", async (_name, headers: Record<string, string>) => {
  const { status } = await request("/", "GET", headers);
  expect([400, 426]).toContain(status);
});

describe("R-08-08 a malformed upgrade is told what is wrong with it", () => {
  const { "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": version } = HANDSHAKE;
  test.each([
    ["no version", { "Sec-WebSocket-Key": key }, 400, "Sec-WebSocket-Version is missing"],
    ["version 8", { "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "8" }, 426, "Sec-WebSocket-Version must be 13"],
    ["no key", { "Sec-WebSocket-Version": version }, 400, "Sec-WebSocket-Key is missing"],
    ["a key of 15 bytes", { ...HANDSHAKE, "Sec-WebSocket-Key": "A".repeat(20) }, 400, "Sec-WebSocket-Key must be"],
    ["two keys", { ...HANDSHAKE, "Sec-WebSocket-Key": `${key}, ${key}` }, 400, "Sec-WebSocket-Key must be"],
  ] as [string, Record<string, string>, number, string][])("%s", async (_name, headers, status, reason) => {
    const response = await request("/", "GET", { ...UPGRADE, ...headers });
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(reason);
  });

  test.each(["HEAD", "POST"])("a %s", async (method) => {
    expect((await request("/", method, HANDSHAKE)).status).toBe(400);
  });
});

test.each([
  ["the page", "/", "GET", {}],
  ["NIP-11", "/", "GET", { Accept: NOSTR }],
  ["health", "/health", "GET", {}],
  ["the statistics", "/api/stats", "HEAD", {}],
  ["a preflight", "/", "OPTIONS", {}],
  ["404", "/x", "GET", {}],
  ["405", "/", "PUT", {}],
  ["415", "/", "POST", {}],
  ["401", "/", "POST", { "Content-Type": `${NOSTR}+rpc` }],
  ["a refused upgrade", "/", "GET", UPGRADE],
] as [string, string, string, Record<string, string>][])(
  "R-08-10 security headers are on every answer: %s",
  async (_name, path, method, headers) => {
    const response = await request(path, method, headers);
    expect(response.headers.get("Content-Security-Policy")).toMatch(/^default-src 'none'; /);
    expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(response.headers.get("Referrer-Policy")).toBe("no-referrer");
  },
);

test("R-08-10 also on an upgrade for which there is no place", async () => {
  const full = freshRelay({ MAX_CONNECTIONS: "1" });
  await full.connect();
  const { status, headers } = await full.upgrade();
  expect(status).toBe(503);
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
});
