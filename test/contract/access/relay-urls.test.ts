import { describe, expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { admin, alice, bob, now, unique } from "../../support/keys.ts";
import { caller } from "../../support/manage.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";

const URL = "wss://relay.example.com";

async function information(relay: TestRelay, path = "/"): Promise<Record<string, unknown>> {
  const response = await relay.fetch(path, { headers: { Accept: "application/nostr+json" } });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

describe("RELAY_URL_MATCH=exact without slash", () => {
  const relay = freshRelay({ RELAY_URL: URL, RELAY_URL_MATCH: "exact" });

  test("T-013 R-06-27 the same letters are accepted", async () => {
    const client = await relay.connect();
    expect((await client.auth(alice, URL))[2]).toBe(true);
  });

  for (const other of [`${URL}/`, "wss://RELAY.example.com", "ws://relay.example.com", `${URL}:443`, `${URL}?x`, ""]) {
    test(`T-013 R-06-27 '${other}' is refused, and the refusal names RELAY_URL`, async () => {
      const client = await relay.connect();
      const [, , accepted, text] = await client.auth(alice, other);
      expect(accepted).toBe(false);
      expect(text).toMatch(/^(invalid|auth-required): ./);
      expect(String(text).split(/[\s,;]+/)).toContain(URL);
      expect((await client.auth(alice, URL))[2]).toBe(true);
    });
  }
});

describe("RELAY_URL_MATCH=exact with slash", () => {
  const relay = freshRelay({ RELAY_URL: `${URL}/`, RELAY_URL_MATCH: "exact" });

  test("T-013 R-06-27 only the URL with its slash is accepted", async () => {
    const client = await relay.connect();
    expect((await client.auth(alice, URL))[2]).toBe(false);
    expect((await client.auth(alice, `${URL}/`))[2]).toBe(true);
  });
});

describe("RELAY_URL with a path, and aliases", () => {
  const aliases = "wss://alias.example.com:8443/nostr , ws://abcdef.onion/nostr/";
  const relay = freshRelay({ RELAY_URL: `${URL}/nostr`, RELAY_URL_ALIASES: aliases });

  for (const url of [
    `${URL}/nostr`,
    `${URL}/nostr/`,
    "wss://alias.example.com:8443/nostr",
    "ws://abcdef.onion/nostr",
  ]) {
    test(`T-014 R-05-55 ${url} is accepted`, async () => {
      const client = await relay.connect({ path: "/nostr" });
      expect((await client.auth(alice, url))[2]).toBe(true);
      expect((await client.req("s", {})).end[0]).toBe("EOSE");
    });
  }

  for (const url of [URL, `${URL}/`, `${URL}/other`, "wss://alias.example.com/nostr", "wss://alias.example.com:8443"]) {
    test(`T-014 R-06-27 ${url} is refused`, async () => {
      const client = await relay.connect({ path: "/nostr" });
      expect((await client.auth(alice, url))[2]).toBe(false);
    });
  }

  test("R-01-01 R-08-08 the relay is at that path, and nowhere else", async () => {
    expect((await information(relay, "/nostr")).name).toBe("Nexus");
    for (const path of ["/", "/other", "/nostr/x", "/nostrum"]) {
      expect((await relay.fetch(path)).status).toBe(404);
      expect((await relay.upgrade({ path })).status).toBe(404);
    }
    expect(await (await relay.fetch("/health")).text()).toBe("ok");
  });
});

describe("each use of a URL has aliases of its own", () => {
  const relay = freshRelay({
    RELAY_URL: URL,
    RELAY_URL_ALIASES: "wss://login.example.com",
    MANAGEMENT_URL_ALIASES: "wss://manage.example.com",
    VANISH_URL_ALIASES: "wss://vanish.example.com",
  });
  const names = (["relay", "login", "manage", "vanish", "other"] as const).map((name) => `wss://${name}.example.com`);

  /** Names in `all` that `counts`. */
  const counting = async (counts: (url: string) => Promise<boolean>) => {
    const found: string[] = [];
    for (const url of names) if (await counts(url)) found.push(url.slice(6, -12));
    return found;
  };

  test("R-05-55 of AUTH", async () => {
    const client = await relay.connect();
    expect(await counting(async (url) => (await client.auth(alice, url))[2] === true)).toEqual(["relay", "login"]);
  });

  test("R-05-70 of NIP-98", async () => {
    const call = (url: string) => caller(relay.fetch, admin, url.replace("wss", "https"))("stats");
    expect(await counting(async (url) => (await call(url)).status === 200)).toEqual(["relay", "manage"]);
  });

  test("R-05-18 of a request to vanish, and from somebody else than its author only RELAY_URL counts", async () => {
    const [a, b] = [await relay.connect(), await relay.connect()];
    await a.auth(alice, URL);
    await b.auth(bob, URL);
    let at = now();
    const request = (url: string) => unique(alice, { kind: 62, created_at: at++, tags: [["relay", url]] });
    const by = (client: Client) => async (url: string) => (await client.publish(request(url)))[2] === true;
    expect(await counting(by(b))).toEqual(["relay"]);
    expect((await b.publish(request("ALL_RELAYS")))[2]).toBe(true);
    expect(await counting(by(a))).toEqual(["relay", "vanish"]);
  });
});

test("R-05-18 R-05-70 without lists of their own the aliases of AUTH count, but not for who hands in another's request", async () => {
  const alias = "wss://alias.example.com";
  const relay = freshRelay({ RELAY_URL: URL, RELAY_URL_ALIASES: alias });
  const [a, b] = [await relay.connect(), await relay.connect()];
  await a.auth(alice, alias);
  await b.auth(bob, alias);
  expect((await caller(relay.fetch, admin, "https://alias.example.com/")("stats")).status).toBe(200);
  const request = unique(alice, { kind: 62, tags: [["relay", alias]] });
  expect((await b.publish(request))[3]).toMatch(/^invalid: ./);
  expect((await a.publish(request))[2]).toBe(true);
});
const HIDDEN = "auth-required: these kinds are for their author and recipients only";

describe("AUTH_REQUIRED=false", () => {
  const relay = freshRelay({ AUTH_REQUIRED: "false", RELAY_URL: URL });

  test("T-035 R-06-07 nothing is sent unasked, and REQ, EVENT, COUNT and CLOSE are served without AUTH", async () => {
    const [reader, writer] = [await relay.connect(), await relay.connect()];
    reader.takesChallenges = false;
    expect((await reader.req("live", { kinds: [1] })).end[0]).toBe("EOSE");
    const event = unique(alice);
    expect(await writer.publish(event)).toEqual(["OK", event.id, true, ""]);
    expect(await reader.next()).toEqual(["EVENT", "live", event]);
    expect(await writer.query({ ids: [event.id] })).toEqual([event]);
    expect(await writer.ask(["COUNT", "c", { ids: [event.id] }])).toEqual(["COUNT", "c", { count: 1 }]);
    reader.send(["CLOSE", "live"]);
    expect(await reader.settled()).toEqual([]);
  });

  test("T-035 R-06-07 AUTH is still checked, and private kinds still need it", async () => {
    const [writer, reader] = [await relay.connect(), await relay.connect()];
    expect((await reader.req("live", { kinds: [1, 1059] })).end[0]).toBe("EOSE");
    const [stored, live] = [1, 2].map(() => unique(bob, { kind: 1059, tags: [["p", alice.pubkey]] }));
    expect((await writer.publish(stored))[2]).toBe(true);
    expect(await reader.query({ kinds: [1, 1059], authors: [bob.pubkey] })).toEqual([]);
    expect((await reader.auth(alice, "wss://other.example.com"))[2]).toBe(false);
    expect((await reader.req("s", { kinds: [1059] })).end).toEqual(["CLOSED", "s", HIDDEN]);
    expect((await reader.auth(alice, URL))[2]).toBe(true);
    expect(await reader.query({ kinds: [1059] })).toEqual([stored]);
    await writer.publish(live);
    expect(await reader.next()).toEqual(["EVENT", "live", live]);
  });

  test.each([
    ["REQ", (filter: object) => ["REQ", "x", filter], ["CLOSED", "x"], "EOSE"],
    ["COUNT", (filter: object) => ["COUNT", "x", filter], ["CLOSED", "x"], "COUNT"],
    ["NEG-OPEN", (filter: object) => ["NEG-OPEN", "x", filter, "6100000200"], ["NEG-ERR", "x"], "NEG-MSG"],
  ] as [string, (filter: object) => unknown[], string[], string][])(
    "R-06-07 %s for private kinds only asks a stranger to log in, once with the challenge; others are served",
    async (_verb, message, refusal, served) => {
      const client = await relay.connect();
      client.takesChallenges = false;
      const ask = async (filter: object) => {
        client.send(message(filter));
        return client.next();
      };
      expect((await ask({ kinds: [1, 1059], until: 1 }))[0]).toBe(served);
      expect(await ask({ kinds: [1059] })).toEqual(["AUTH", expect.stringMatching(/^[\x21-\x7e]{22,}$/)]);
      expect(await client.next()).toEqual([...refusal, HIDDEN]);
      expect(await ask({ kinds: [4, 1059], limit: 0 })).toEqual([...refusal, HIDDEN]);
      expect((await ask({ limit: 1 }))[0]).not.toBe("AUTH");
    },
  );

  test("R-06-07 R-03-25 a refused REQ for private kinds ends the older subscription of its id", async () => {
    const [reader, writer] = [await relay.connect(), await relay.connect()];
    await reader.req("s", { kinds: [1] });
    expect((await reader.req("s", { kinds: [1059] })).end).toEqual(["CLOSED", "s", HIDDEN]);
    await writer.publish(unique(alice));
    expect(await reader.settled()).toEqual([]);
  });

  test("T-035 R-05-60 kind 22242 inside EVENT is still refused", async () => {
    const client = await relay.connect();
    const event = client.authEvent(alice, URL);
    expect(await client.publish(event)).toEqual(["OK", event.id, false, expect.stringMatching(/^invalid: ./)]);
  });

  test("R-08-04 the NIP-11 document says so", async () => {
    expect(await information(relay)).toMatchObject({ limitation: { auth_required: false } });
  });
});

test("R-08-02 NIP-11 has icon, banner and terms_of_service", async () => {
  const relay = freshRelay({
    RELAY_ICON: "https://a.example/icon.png",
    RELAY_BANNER: "https://a.example/banner.png",
    RELAY_TERMS_OF_SERVICE: "https://a.example/terms",
  });
  expect(await information(relay)).toMatchObject({
    icon: "https://a.example/icon.png",
    banner: "https://a.example/banner.png",
    terms_of_service: "https://a.example/terms",
    limitation: { max_limit: 5000 },
  });
});

describe("ALLOWED_ORIGINS", () => {
  const allowed = "https://app.example.com";
  const cases: [origin: string | undefined, isLetIn: boolean][] = [
    [undefined, true],
    [allowed, true],
    ["HTTPS://app.example.com", true],
    ["http://app.example.com", false],
    ["https://app.example.com.evil.example", false],
    ["null", false],
    ["chrome-extension://abc", true],
  ];

  test("R-01-01 bounds from which pages a browser connects and manages, and who reads NIP-11 is not asked", async () => {
    const relay = freshRelay({ ALLOWED_ORIGINS: `${allowed}:443/, chrome-extension://ABC`.replace("/,", ",") });
    for (const [origin, isLetIn] of cases) {
      const headers: Record<string, string> = origin === undefined ? {} : { Origin: origin };
      expect([origin, (await relay.upgrade({ headers })).status]).toEqual([origin, isLetIn ? 101 : 403]);
      const preflight = await relay.fetch("/", { method: "OPTIONS", headers });
      expect([origin, preflight.status]).toEqual([origin, isLetIn ? 204 : 403]);
      expect((await relay.fetch("/", { method: "POST", headers })).status).toBe(isLetIn ? 415 : 403);
      const nip11 = await relay.fetch("/", { headers: { ...headers, Accept: "application/nostr+json" } });
      expect([nip11.status, nip11.headers.get("Access-Control-Allow-Origin")]).toEqual([200, "*"]);
    }
  });

  test("R-01-01 without it every page may connect", async () => {
    const relay = freshRelay();
    for (const [Origin] of cases) {
      expect((await relay.upgrade({ headers: Origin === undefined ? {} : { Origin } })).status).toBe(101);
    }
  });
});
