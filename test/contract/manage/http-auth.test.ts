import { describe, expect, test } from "vitest";
import { RELAY_URL } from "../../support/client.ts";
import { admin, alice, now, signed } from "../../support/keys.ts";
import { authorization, HTTP_URL, headerOf, post, RPC } from "../../support/manage.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { lookUp } from "../../support/stock.ts";

const BODY = '{"method":"supportedmethods","params":[]}';
const HOST = "nexus.openagents.com";

type Tags = string[][];

/** Posts one call with this Authorization header and tells the status; an empty header is none. */
async function statusOf(header: string, { body = BODY, url = HTTP_URL, relay = freshRelay() } = {}) {
  const response = await post((target, init) => relay.fetch(target, init), body, { header, url });
  const answer = (await response.json()) as { result: unknown; error?: string };
  if (response.status === 200) expect(answer.result).toEqual(expect.arrayContaining(["supportedmethods"]));
  else expect(answer).toEqual({ result: null, error: expect.stringMatching(/^[a-z-]+: ./) });
  if (response.status === 401) expect(response.headers.get("WWW-Authenticate")).toMatch(/^Nostr\b/);
  return response.status;
}

const right = (url?: string) => authorization(admin, BODY, url);

/** The tags of a right event after `edit`. */
function edited(edit: (tags: Tags) => Tags): string {
  return headerOf(signed(admin, { kind: 27235, tags: edit(right().tags) }));
}

const without = (name: string) => edited((tags) => tags.filter(([key]) => key !== name));
const withValue = (name: string, value: string) =>
  edited((tags) => tags.map((tag) => (tag[0] === name ? [name, value] : tag)));

const base64 = (text: string) => btoa(text);
const unpadded = (header: string) => header.replace(/=+$/, "");
const urlAlphabet = (header: string) => header.replaceAll("+", "-").replaceAll("/", "_");

/** A right header in which both characters are found that differ between the alphabets. */
function headerWithBoth(): string {
  const event = { ...right(), content: "" };
  for (let n = 0; n < 200; n++) {
    const content = "\u{ff}\u{fb}?~\u{1F600}".repeat(1 + (n % 3)) + n;
    const header = headerOf(signed(admin, { kind: 27235, tags: event.tags, content }));
    if (/[+]/.test(header) && /[/]/.test(header) && /=$/.test(header)) return header;
  }
  throw new Error("none found");
}

describe("R-05-68 the header", () => {
  test.each([
    ["as it should be", () => headerOf(right())],
    ["with the scheme in capitals", () => headerOf(right()).replace("Nostr", "NOSTR")],
    ["with the scheme in small letters", () => headerOf(right()).replace("Nostr", "nostr")],
    ["in the standard alphabet, padded", headerWithBoth],
    ["in the standard alphabet, unpadded", () => unpadded(headerWithBoth())],
    ["in the URL alphabet, padded", () => urlAlphabet(headerWithBoth())],
    ["in the URL alphabet, unpadded", () => unpadded(urlAlphabet(headerWithBoth()))],
  ])("%s is accepted", async (_name, header) => {
    expect(await statusOf(header())).toBe(200);
  });

  test.each([
    ["missing", () => ""],
    ["of another scheme", () => headerOf(right()).replace("Nostr", "Bearer")],
    ["without scheme", () => headerOf(right()).slice(6)],
    ["a scheme alone", () => "Nostr"],
    ["not base64", () => "Nostr {}"],
    ["base64 of an impossible length", () => `Nostr ${"A".repeat(401)}`],
    ["base64 of something that is not UTF-8", () => `Nostr ${btoa("\xff\xfe")}`],
    ["not JSON", () => `Nostr ${base64("hello")}`],
    ["JSON null", () => `Nostr ${base64("null")}`],
    ["an array", () => `Nostr ${base64("[]")}`],
    ["an object that is no event", () => `Nostr ${base64("{}")}`],
    ["two headers in one", () => `${headerOf(right())}, ${headerOf(right())}`],
  ])("T-128 %s: 401", async (_name, header) => {
    expect(await statusOf(header())).toBe(401);
  });
});

test("T-128 R-05-68 a very long header is refused, by the relay or before it", async () => {
  const header = `Nostr ${"A".repeat(20_000)}`;
  const response = await post(freshRelay().fetch, BODY, { header });
  expect([401, 431]).toContain(response.status);
});

describe("R-05-69 the event", () => {
  test.each([
    ["kind 22242", () => headerOf({ ...signed(admin, { kind: 22242, tags: right().tags }) })],
    ["kind 1", () => headerOf(signed(admin, { kind: 1, tags: right().tags }))],
    ["an id that is another's", () => headerOf({ ...right(), id: "0".repeat(64) })],
    ["a content that was changed", () => headerOf({ ...right(), content: "x" })],
    ["a signature of another event", () => headerOf({ ...right(), sig: right().sig })],
    ["the signature of another key", () => headerOf({ ...right(), pubkey: alice.pubkey })],
    ["no signature", () => headerOf({ ...right(), sig: undefined })],
    ["no method", () => without("method")],
    ["method GET", () => withValue("method", "GET")],
    ["method post", () => withValue("method", "post")],
    ["method GET before POST", () => edited((tags) => [["method", "GET"], ...tags])],
    ["no u", () => without("u")],
    ["no payload", () => without("payload")],
    ["an empty payload", () => withValue("payload", "")],
    ["the payload of another body", () => headerOf(authorization(admin, `${BODY} `))],
    ["the payload of an empty body", () => headerOf(authorization(admin, ""))],
  ])("T-128 %s: 401", async (_name, header) => {
    expect(await statusOf(header())).toBe(401);
  });

  test.each([
    [-60, 200],
    [60, 200],
    [-61, 401],
    [61, 401],
    [-70, 401],
    [-1_000_000, 401],
  ])("T-128 created_at %i seconds from now: %i", async (offset, status) => {
    const relay = freshRelay();
    const start = now();
    relay.setTime(start);
    const event = authorization(admin, BODY, HTTP_URL, { created_at: start + offset });
    expect(await statusOf(headerOf(event), { relay })).toBe(status);
  });

  test("T-128 the hash is of the bytes as they came, not of a text", async () => {
    // Invalid UTF-8 is replaced when it is read as text; then these two bodies would be the same.
    const sent = new Uint8Array([...new TextEncoder().encode(BODY), 0xff]);
    const other = new Uint8Array([...new TextEncoder().encode(BODY), 0xfe]);
    const { fetch } = freshRelay();
    expect((await post(fetch, sent, { header: headerOf(authorization(admin, other)) })).status).toBe(401);
    expect((await post(fetch, sent, { header: headerOf(authorization(admin, sent)) })).status).toBe(400);
  });
});

describe("R-05-70 the URL", () => {
  test.each([
    `https://${HOST}`,
    `https://${HOST}/`,
    `wss://${HOST}`,
    `wss://${HOST}/`,
    `https://${HOST}:443/`,
    `https://${HOST.toUpperCase()}/`,
  ])("%s is this relay", async (url) => {
    expect(await statusOf(headerOf(right(url)))).toBe(200);
  });

  test.each([
    "",
    "/",
    HOST,
    `http://${HOST}/`,
    `ws://${HOST}/`,
    `ftp://${HOST}/`,
    "https://relay.example.com/",
    `https://${HOST}.example.com/`,
    `https://x.${HOST}/`,
    `https://${HOST}@relay.example.com/`,
    `https://user@${HOST}/`,
    `https://${HOST}:8443/`,
    `https://${HOST}/other`,
    `https://${HOST}/nostr/`,
    `https://${HOST}/?x=1`,
    `https://${HOST}/#x`,
  ])("T-128 '%s' is not: 401", async (url) => {
    expect(await statusOf(headerOf(right(url)))).toBe(401);
  });

  test("T-128 the query belongs to it", async () => {
    const url = `${HTTP_URL}?a=1&b=2`;
    expect(await statusOf(headerOf(right(url)), { url })).toBe(200);
    expect(await statusOf(headerOf(right(`wss://${HOST}?a=1&b=2`)), { url })).toBe(200);
    for (const other of [HTTP_URL, `${HTTP_URL}?a=1`, `${HTTP_URL}?b=2&a=1`]) {
      expect(await statusOf(headerOf(right(other)), { url })).toBe(401);
    }
  });

  test("T-128 what the client says about the host does not count", async () => {
    const headers = { "Content-Type": RPC, Host: "evil.example.com", "X-Forwarded-Host": "evil.example.com" };
    const { fetch } = freshRelay({ RELAY_URL });
    const forged = headerOf(right("https://evil.example.com/"));
    const url = "https://evil.example.com/";
    expect((await post(fetch, BODY, { header: forged, headers, url })).status).toBe(401);
    expect((await post(fetch, BODY, { header: headerOf(right()), headers, url })).status).toBe(200);
  });
});

describe("R-05-71 replay", () => {
  const CHANGE = '{"method":"blockip","params":["203.0.113.1","spam"]}';
  const changing = (created_at = now()) => authorization(admin, CHANGE, HTTP_URL, { created_at });

  /** The status of a change; it has the result `true` if it is carried out, or was a moment ago. */
  async function change(relay: TestRelay, header: string): Promise<number> {
    const response = await post(relay.fetch, CHANGE, { header });
    const { result } = (await response.json()) as { result: unknown };
    expect(result).toBe(response.status === 200 ? true : null);
    return response.status;
  }

  const changes = (relay: TestRelay) => lookUp(relay, "SELECT count(*) FROM audit");

  test("T-128 a change is refused the second time, also with another spelling of the header", async () => {
    const relay = freshRelay();
    const start = now();
    relay.setTime(start);
    const header = headerOf(changing(start));
    expect(await change(relay, header)).toBe(200);
    relay.setTime(start + 2);
    expect(await change(relay, header)).toBe(401);
    expect(await change(relay, unpadded(urlAlphabet(header)))).toBe(401);
    expect(await change(relay, headerOf(changing(start)))).toBe(200);
  });

  test("R-05-71 a change that is repeated to the letter within its second has the result of the first, and is one", async () => {
    const relay = freshRelay();
    const header = headerOf(changing());
    expect(await Promise.all(Array.from({ length: 8 }, () => change(relay, header)))).toEqual(Array(8).fill(200));
    expect(await changes(relay)).toBe(1);
  });

  test("R-05-71 a call that only reads may be repeated as long as it is valid", async () => {
    const relay = freshRelay();
    const start = now();
    relay.setTime(start);
    const header = headerOf(authorization(admin, BODY, HTTP_URL, { created_at: start }));
    for (const seconds of [0, 0, 30, 60]) {
      relay.setTime(start + seconds);
      expect(await statusOf(header, { relay })).toBe(200);
    }
    relay.setTime(start + 61);
    expect(await statusOf(header, { relay })).toBe(401);
  });

  test("T-128 also after the object was away", async () => {
    const relay = freshRelay();
    const header = headerOf(changing());
    expect(await change(relay, header)).toBe(200);
    await relay.restart();
    expect(await change(relay, header)).toBe(401);
  });

  test("T-128 to the last second in which it would be valid; then it is forgotten", async () => {
    const relay = freshRelay();
    const start = now();
    relay.setTime(start);
    const header = headerOf(changing(start + 60));
    expect(await change(relay, header)).toBe(200);
    relay.setTime(start + 120);
    expect(await change(relay, header)).toBe(401);
    const spent = () => lookUp(relay, "SELECT count(*) FROM access WHERE list = 'spent'");
    expect(await spent()).toBe(1);
    relay.setTime(start + 121);
    expect(await change(relay, headerOf(changing(start + 121)))).toBe(200);
    expect(await spent()).toBe(1);
    expect(await change(relay, header)).toBe(401);
  });

  test("R-05-71 the same change of the same second, signed anew, is no replay", async () => {
    const relay = freshRelay();
    const start = now();
    relay.setTime(start);
    const template = { kind: 27235, created_at: start, tags: changing().tags };
    const [first, second] = [signed(admin, template), signed(admin, template)];
    expect(second.id).toBe(first.id);
    expect(second.sig).not.toBe(first.sig);
    for (const event of [first, second]) expect(await change(relay, headerOf(event))).toBe(200);
    relay.setTime(start + 2);
    for (const event of [first, second]) expect(await change(relay, headerOf(event))).toBe(401);
  });

  test("R-05-71 what was refused has not used the event up", async () => {
    const relay = freshRelay();
    const header = headerOf(changing());
    expect(await statusOf(header, { relay, body: "{}" })).toBe(401);
    expect(await statusOf(header, { relay, url: `${HTTP_URL}?x` })).toBe(401);
    expect(await change(relay, header)).toBe(200);
  });
});
