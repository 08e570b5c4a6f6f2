import { expect, test } from "vitest";
import { admin, alice, bob, carol, key, now, unique } from "../../support/keys.ts";
import { DONE, managedRelay } from "../../support/managed.ts";
import { enlist, expectEose } from "../../support/stock.ts";

interface Fact {
  name: string;
  value: string | null;
  default: string | null;
  source: string;
  changeable: boolean;
  group: string;
  form: { type: string };
}

const refused = (error: string) => ({ status: 200, result: null, error });

test("R-05-79 listsettings says of every setting what it is, and no secret", async () => {
  const secret = "7".repeat(64);
  const { call } = managedRelay({ RELAY_SECRET_KEY: secret, METRICS_TOKEN: "m".repeat(20), MAX_LIMIT: "77" });
  await call("setsetting", "MIN_POW", 3);
  const all = (await call("listsettings")).result as Fact[];
  const factOf = (name: string) => all.find((fact) => fact.name === name);
  expect(factOf("MAX_LIMIT")).toEqual({
    name: "MAX_LIMIT",
    value: "77",
    default: "5000",
    source: "environment",
    changeable: true,
    group: "Limits",
    form: { type: "integer", min: 1, max: 50_000, unit: "events" },
    values: "1–50000 events",
    unset: "`5000`",
    help: "events of one filter at most",
  });
  expect(factOf("MIN_POW")).toMatchObject({ value: "3", source: "stored" });
  expect(factOf("READ_ACCESS")).toMatchObject({ value: null, source: "default", form: { type: "choice" } });
  expect(factOf("RELAY_SECRET_KEY")).toMatchObject({ value: "(set)", changeable: false });
  expect(JSON.stringify(all)).not.toMatch(/7{20}|m{20}/);
  expect((await call("getsetting", "MAX_LIMIT")).result).toEqual(factOf("MAX_LIMIT"));
});

test("R-05-79 what is stored is before the environment, survives a restart, and can be taken back", async () => {
  const { call, fetch, restart } = managedRelay({ RELAY_CONTACT: "mailto:ann@example.com", LOG_LEVEL: "error" });
  const contact = async () => {
    const response = await fetch("/", { headers: { Accept: "application/nostr+json" } });
    return ((await response.json()) as { contact?: string }).contact;
  };
  expect(await call("setsetting", "RELAY_CONTACT", "mailto:bob@example.com")).toEqual(DONE);
  expect(await contact()).toBe("mailto:bob@example.com");
  await restart();
  expect(await contact()).toBe("mailto:bob@example.com");
  expect(await call("setsetting", "RELAY_CONTACT", "")).toEqual(DONE);
  expect(await contact()).toBeUndefined();
  expect((await call("getsetting", "RELAY_CONTACT")).result).toMatchObject({ value: null, source: "stored" });
  expect(await call("unsetsetting", "RELAY_CONTACT")).toEqual(DONE);
  expect(await contact()).toBe("mailto:ann@example.com");
  expect(await call("changerelayname", "Orchard")).toEqual(DONE);
  expect((await call("getsetting", "RELAY_NAME")).result).toMatchObject({ value: "Orchard", source: "stored" });
});

test("R-05-79 a value is judged as at the start, and wiring is not changed", async () => {
  const { call } = managedRelay();
  expect(await call("setsetting", "MAX_LIMIT", "many")).toEqual(
    refused('invalid: MAX_LIMIT must be a whole number of events from 1 to 50000, not "many".'),
  );
  expect(await call("setsetting", "READ_ACCESS", "all")).toEqual(
    refused('invalid: READ_ACCESS must be open, authenticated, allowed or members, not "all".'),
  );
  const wiring = [
    "RELAY_URL",
    "RELAY_PUBKEY",
    "ADMIN_PUBKEYS",
    "RELAY_SECRET_KEY",
    "ENABLE_MANAGEMENT",
    "METRICS_TOKEN",
  ];
  for (const name of wiring) {
    const answer = refused(`restricted: ${name} is set where the relay is started, and counts after a restart`);
    expect(await call("setsetting", name, "x")).toEqual(answer);
    expect(await call("unsetsetting", name)).toEqual(answer);
  }
});

test("R-05-79 the record says what was and what is, and only operators change settings", async () => {
  const { call, as } = managedRelay();
  await call("setsetting", "MAX_LIMIT", 50);
  await call("setsetting", "MAX_LIMIT", 50);
  await call("setsetting", "MAX_LIMIT", 0);
  await call("unsetsetting", "MAX_LIMIT");
  const entries = (await call("listaudit")).result as { pubkey: string; method: string; params: unknown[] }[];
  expect(entries.map(({ method, params }) => [method, ...params])).toEqual([
    ["unsetsetting", "MAX_LIMIT", { was: "50", is: "5000" }],
    ["setsetting", "MAX_LIMIT", 50, { was: "5000", is: "50" }],
  ]);
  expect(entries[0]?.pubkey).toBe(admin.pubkey);
  await call("grantadmin", alice.pubkey);
  expect((await as(alice)("listsettings")).status).toBe(200);
  expect((await as(alice)("setsetting", "MAX_LIMIT", 50)).status).toBe(403);
  expect((await call("grantadmin", alice.pubkey, ["setsetting"])).error).toMatch(/^invalid: /);
});

test("R-05-79 the answer says who gets in or is shut out by a change, and what becomes visible", async () => {
  const { call } = managedRelay({ READ_ACCESS: "allowed", WRITE_ACCESS: "allowed" });
  const warnings = async (...params: unknown[]) =>
    ((await call("setsetting", ...params)) as { warnings?: string[] }).warnings ?? [];
  expect(await warnings("MAX_LIMIT", 50)).toEqual([]);
  expect(await warnings("READ_ACCESS", "open")).toEqual([
    "Who may read from now on: every key that logs in.",
    expect.stringMatching(/^Warning: every key may read from /),
  ]);
  expect(await warnings("AUTH_REQUIRED", false)).toEqual(["Who may read from now on: everybody, without a login."]);
  expect(await warnings("READ_ACCESS", "members")).toEqual([
    "Who may read from now on: admins only, since the relay keeps no members.",
  ]);
  expect(await warnings("PRIVATE_KINDS", "4,1059")).toEqual([
    "Events of kind 13, 14, 15, 21059 are shown to everybody who may read, stored ones too.",
  ]);
});

test("R-05-79 a live subscription that may no longer read ends, its sync too, and its connection may go on", async () => {
  const { call, login, restart } = managedRelay();
  const [a, b] = [await login(alice), await login(bob)];
  for (const client of [a, b]) await expectEose(client, "live", { kinds: [1] });
  await b.ask(["NEG-OPEN", "n", { kinds: [1] }, "6100000200"]);
  await call("allowpubkey", alice.pubkey);
  await call("setsetting", "READ_ACCESS", "open");
  await b.settled();
  await expectEose(b, "live", { kinds: [1] });
  await b.ask(["NEG-OPEN", "n", { kinds: [1] }, "6100000200"]);
  await call("setsetting", "READ_ACCESS", "allowed");
  const closed = expect.stringMatching(/^restricted: /);
  expect(await b.settled()).toEqual([
    ["CLOSED", "live", closed],
    ["NEG-ERR", "n", closed],
  ]);
  const event = unique(alice);
  await a.publish(event);
  expect(await a.next()).toEqual(["EVENT", "live", event]);
  expect(await b.settled()).toEqual([]);
  await restart();
  expect((await b.req("again", {})).end[2]).toMatch(/^restricted: /);
  await call("unsetsetting", "READ_ACCESS");
  await call("allowpubkey", bob.pubkey);
  await expectEose(b, "again", { kinds: [1] });
});

test("R-05-79 when a login is asked for again, strangers lose what they have open and have the whole time for it", async () => {
  const relay = managedRelay({ AUTH_REQUIRED: "false", AUTH_TIMEOUT: "60" });
  const at = now();
  relay.setTime(at);
  const stranger = await relay.connect();
  const { call } = relay;
  const a = await relay.connect();
  await a.auth(alice);
  for (const client of [stranger, a]) await expectEose(client, "live", { kinds: [1] });
  relay.setTime(at + 50);
  expect((await call("setsetting", "AUTH_REQUIRED", true)).status).toBe(200);
  expect(await stranger.next()).toEqual(["CLOSED", "live", "auth-required: authentication required"]);
  expect(stranger.challenge).not.toBe("");
  const event = unique(alice, { created_at: at + 50 });
  await a.publish(event);
  expect(await a.next()).toEqual(["EVENT", "live", event]);
  expect(await stranger.settled()).toEqual([]);
  relay.setTime(at + 70);
  await relay.ring();
  expect(stranger.closed).toBeUndefined();
  relay.setTime(at + 50 + 75);
  await relay.ring();
  await expect(stranger.until(() => false)).rejects.toThrow("closed 1008");
});

test("R-05-79 a kind that becomes private is hidden from live and stored answers, and comes back", async () => {
  const { call, login } = managedRelay();
  const [a, b] = [await login(alice), await login(bob)];
  await expectEose(b, "live", { kinds: [1], search: "pears" });
  const post = (content: string) => a.publish(unique(alice, { content }));
  await post("pears one");
  expect((await b.next())[0]).toBe("EVENT");
  await call("setsetting", "PRIVATE_KINDS", "1,4");
  await post("pears two");
  expect(await b.settled()).toEqual([]);
  expect(await b.query({ kinds: [1] })).toEqual([]);
  expect(await a.query({ kinds: [1] })).toHaveLength(2);
  await call("unsetsetting", "PRIVATE_KINDS");
  await post("pears three");
  expect((await b.next())[0]).toBe("EVENT");
  expect(await b.query({ search: "pears" })).toHaveLength(3);
});

test("R-05-79 what is switched off ends the subscriptions that ask for it, and no others", async () => {
  const { call, login, ring } = managedRelay({ ENABLE_AND_FILTERS: "true" });
  const a = await login(alice);
  await expectEose(a, "plain", { kinds: [1] });
  await expectEose(a, "search", { search: "pears" });
  await expectEose(a, "and", { "&t": ["x", "y"] });
  await a.ask(["NEG-OPEN", "n", { kinds: [1] }, "6100000200"]);
  for (const name of ["ENABLE_SEARCH", "ENABLE_AND_FILTERS", "ENABLE_NEGENTROPY"])
    await call("setsetting", name, false);
  const unsupported = expect.stringMatching(/^unsupported: /);
  expect(await a.settled()).toEqual([
    ["CLOSED", "search", unsupported],
    ["CLOSED", "and", unsupported],
    ["NEG-ERR", "n", "error: sync is not available on this relay"],
  ]);
  const event = unique(alice, { content: "pears" });
  await a.publish(event);
  expect(await a.next()).toEqual(["EVENT", "plain", event]);
  await call("setsetting", "ENABLE_SEARCH", true);
  // Older events are added in the background.
  await ring();
  expect(await a.query({ search: "pears" })).toEqual([event]);
});

test("R-05-79 membership can be switched: its methods, its requests and its announcements come and go", async () => {
  const { call, login, fetch } = managedRelay({ RELAY_SECRET_KEY: "7".repeat(64) });
  const a = await login(alice);
  expect(await call("addmember", alice.pubkey)).toEqual(DONE);
  await call("setsetting", "READ_ACCESS", "members");
  await expectEose(a, "live", { kinds: [1] });
  const methods = async () => (await call("supportedmethods")).result as string[];
  expect(await methods()).toContain("addmember");
  const off = (await call("setsetting", "ENABLE_MEMBERSHIP", false)) as { warnings?: string[] };
  expect(off.warnings?.[0]).toMatch(/admins only/);
  expect((await a.next())[2]).toMatch(/^restricted: /);
  expect(await methods()).not.toContain("addmember");
  expect((await call("addmember", bob.pubkey)).error).toMatch(/^unsupported: /);
  const nips = async () => {
    const response = await fetch("/", { headers: { Accept: "application/nostr+json" } });
    return ((await response.json()) as { supported_nips: number[] }).supported_nips;
  };
  expect(await nips()).not.toContain(43);
  await call("unsetsetting", "ENABLE_MEMBERSHIP");
  expect(await nips()).toContain(43);
  await expectEose(a, "live", { kinds: [13534] });
  expect(await call("addmember", carol.pubkey)).toEqual(DONE);
  const [, , list] = await a.until(([verb, id]) => verb === "EVENT" && id === "live");
  expect(JSON.stringify(list)).toContain(carol.pubkey);
  expect((await call("addmember", key(9).pubkey)).result).toBe(true);
});

test("R-05-79 a stored value that is malformed is left out and named, and the relay starts", async () => {
  const relay = managedRelay({ MAX_LIMIT: "77", WRITE_ACCESS: "open", RETENTION_JOB: "60" });
  await enlist(
    relay,
    ["setting", "MAX_LIMIT", "many"],
    ["setting", "RELAY_NAME", "Orchard"],
    ["setting", "WRITE_ACCESS", "guests"],
    ["setting", "RETENTION_JOB", "99999999999"],
  );
  const all = (await relay.call("listsettings")).result as (Fact & { problem?: string })[];
  const factOf = (name: string) => all.find((fact) => fact.name === name);
  expect(all.filter(({ problem }) => problem !== undefined).map(({ name }) => name)).toHaveLength(3);
  expect(factOf("MAX_LIMIT")).toMatchObject({
    value: "77",
    source: "stored",
    problem: 'MAX_LIMIT must be a whole number of events from 1 to 50000, not "many"',
  });
  expect(factOf("RELAY_NAME")).toMatchObject({ value: "Orchard", source: "stored" });
  // Nobody is let in by it, and nothing is erased.
  expect(factOf("WRITE_ACCESS")).toMatchObject({ value: "allowed" });
  expect(factOf("RETENTION_JOB")).toMatchObject({ value: "0" });
  const client = await relay.login(alice);
  expect((await client.publish(unique(alice)))[3]).toMatch(/^restricted: /);
  // Another setting may be changed meanwhile, and each of these put right.
  expect(await relay.call("setsetting", "MIN_POW", 3)).toEqual(DONE);
  expect(await relay.call("setsetting", "MAX_LIMIT", 50)).toEqual(DONE);
  expect(await relay.call("unsetsetting", "RETENTION_JOB")).toEqual(DONE);
  expect((await relay.call("getsetting", "RETENTION_JOB")).result).toMatchObject({
    value: "60",
    source: "environment",
  });
  expect((await relay.call("getsetting", "MAX_LIMIT")).result).not.toHaveProperty("problem");
});
