import type { Event, EventTemplate } from "nostr-tools/pure";
import { expect, test } from "vitest";
import type { Client, Filter } from "../../support/client.ts";
import { alice, bob, carol, now, signed } from "../../support/keys.ts";
import { Random } from "../../support/random.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { expectEose } from "../../support/stock.ts";

const AT = now() - 1000;

function named(content: string, template: Partial<EventTemplate> = {}): Event {
  return signed(bob, { created_at: AT, ...template, content });
}

async function stocked(...events: Event[]): Promise<{ relay: TestRelay; a: Client }> {
  const relay = freshRelay();
  const a = await relay.login(alice);
  for (const event of events) expect(await a.publish(event)).toEqual(["OK", event.id, true, ""]);
  return { relay, a };
}

const contents = async (client: Client, ...filters: Filter[]) =>
  (await client.query(...filters)).map((event) => event.content as string);

const count = async (client: Client, ...filters: Filter[]) =>
  ((await client.ask(["COUNT", "c", ...filters])) as [string, string, { count: number }])[2];

test("R-05-39 terms are ANDed, without regard to case and form; extensions are dropped", async () => {
  const { a } = await stocked(
    named("The Nostr relay", { created_at: AT + 3 }),
    named("relay for nostr 🚀", { created_at: AT + 2 }),
    named("nostr café", { created_at: AT + 1 }),
    named("東京タワーのリレー"),
  );
  expect(await contents(a, { search: "NOSTR relay" })).toEqual(["The Nostr relay", "relay for nostr 🚀"]);
  expect(await contents(a, { search: "nostr-relay" })).toEqual(["The Nostr relay"]);
  for (const cafe of ["CAFE\u0301", "cafe", "Café"]) {
    expect(await contents(a, { search: `${cafe} language:en` })).toEqual(["nostr café"]);
  }
  expect(await contents(a, { search: "🚀" })).toEqual(["relay for nostr 🚀"]);
  expect(await contents(a, { search: "タワー" })).toEqual(["東京タワーのリレー"]);
  expect(await contents(a, { search: "nost" })).toEqual([]);
  expect(await contents(a, { search: '" OR nostr* NEAR(' })).toEqual([]);
  expect(await contents(a, { search: "language:en", limit: 2 })).toEqual(["The Nostr relay", "relay for nostr 🚀"]);
  expect((await a.req("bad", { search: 1 })).end).toEqual(["CLOSED", "bad", expect.stringMatching(/^invalid: /)]);
});

test("R-05-39 of kinds 0 and 31990 the text values of the JSON are searched", async () => {
  const { a } = await stocked(named('{"name":"Bob","about":"builder"}', { kind: 0 }), named("name of bob"));
  expect(await contents(a, { search: "name" })).toEqual(["name of bob"]);
  expect(await contents(a, { search: "builder" })).toHaveLength(1);
});

test("R-05-40 best first, ties newest first and then lowest id; limit after scoring; the hint is right", async () => {
  const filler = " among a good many other words of no interest";
  const ties = Array.from({ length: 4 }, (_, i) => named(`nostr ${i}${filler}`, { created_at: AT + (i >> 1) }));
  const best = named("nostr nostr", { created_at: AT - 500 });
  const { a } = await stocked(...ties, best);
  const order = (x: Event, y: Event) => y.created_at - x.created_at || (x.id < y.id ? -1 : 1);
  const expected = [best, ...[...ties].sort(order)].map(({ content }) => content);
  expect(await contents(a, { search: "nostr" })).toEqual(expected);
  expect(await contents(a, { search: "nostr", limit: 3 })).toEqual(expected.slice(0, 3));
  const hintOf = async (...filters: Filter[]) => (await a.req("hint", ...filters)).end[2];
  expect(await hintOf({ search: "nostr" })).toEqual(["finish"]);
  expect(await hintOf({ search: "nostr", limit: 5 })).toEqual(["finish"]);
  expect(await hintOf({ search: "nostr", limit: 4 })).toEqual(["more"]);
  expect(await hintOf({ search: "nostr", limit: 0 })).toBeUndefined();
});

test("R-05-40 R-03-01 the other conditions hold too, in REQ and COUNT", async () => {
  const { a } = await stocked(
    named("nostr one", { created_at: AT + 4, tags: [["t", "x"]] }),
    named("nostr two", { created_at: AT + 3, kind: 7 }),
    signed(carol, { created_at: AT + 2, content: "nostr three" }),
    named("nothing", { created_at: AT + 1, tags: [["t", "x"]] }),
  );
  const table: [Filter, string[]][] = [
    [{ kinds: [7] }, ["nostr two"]],
    [{ authors: [carol.pubkey] }, ["nostr three"]],
    [{ "#t": ["x"] }, ["nostr one"]],
    [{ since: AT + 3 }, ["nostr one", "nostr two"]],
    [{ until: AT + 3, kinds: [1] }, ["nostr three"]],
    [{ kinds: [] }, []],
  ];
  for (const [filter, expected] of table) {
    expect([filter, await contents(a, { ...filter, search: "nostr" })]).toEqual([filter, expected]);
    expect([filter, await count(a, { ...filter, search: "nostr", limit: 1 })]).toMatchObject([
      filter,
      { count: expected.length },
    ]);
  }
});

test("R-03-10 R-05-34 searches come first, each in its own order, then the rest; no event twice", async () => {
  const { a } = await stocked(
    named("alpha", { created_at: AT }),
    named("beta beta alpha", { created_at: AT + 1 }),
    named("beta", { created_at: AT + 2 }),
    named("gamma", { created_at: AT + 3 }),
    named("delta", { created_at: AT - 1 }),
  );
  const filters = [{ kinds: [1] }, { search: "beta" }, { search: "alpha" }];
  expect(await contents(a, ...filters)).toEqual(["beta beta alpha", "beta", "alpha", "gamma", "delta"]);
  expect(await count(a, ...filters)).toEqual({ count: 5 });
  expect(await count(a, { search: "beta" }, { search: "alpha" })).toEqual({ count: 3 });
});

test("R-05-29 R-05-40 private kinds are never found, stored or live, not even by their parties", async () => {
  const { a } = await stocked();
  await expectEose(a, "live", { search: "secret" });
  const message = signed(bob, { kind: 4, content: "secret", tags: [["p", alice.pubkey]] });
  const own = signed(alice, { kind: 1059, content: "secret", tags: [["p", alice.pubkey]] });
  for (const event of [message, own]) expect((await a.publish(event))[2]).toBe(true);
  expect(await a.settled()).toEqual([]);
  expect(await contents(a, { search: "secret" })).toEqual([]);
  expect(await contents(a, { search: "secret", kinds: [4], "#p": [alice.pubkey] })).toEqual([]);
  expect(await count(a, { search: "secret", kinds: [1, 4] })).toEqual({ count: 0 });
  expect(await contents(a, { kinds: [4] })).toEqual(["secret"]);
});

test("R-05-40 ephemeral events match live by the same predicate", async () => {
  const { a } = await stocked();
  await expectEose(a, "live", { search: "ping pong" });
  for (const content of ["ping", "pong, ping!"]) await a.publish(named(content, { kind: 20001 }));
  expect((await a.settled()).map((frame) => (frame[2] as Event).content)).toEqual(["pong, ping!"]);
});

const SEED = Date.now() % 4294967296;

test(`R-05-39 R-05-40 live, stored, counted and a naive reading agree on random texts, seed ${SEED}`, async () => {
  const random = new Random(SEED);
  const words = ["a", "B", "ab", "Ba", "á", "ÀB", "7", "🚀", "ß"];
  const gaps = [" ", " ", " ", "-", ", ", "\n", "...", " _ "];
  const text = (min: number, max: number) =>
    Array.from({ length: random.int(min, max) }, () => random.pick(words) + random.pick(gaps)).join("");
  /** Written from R-05-39 alone: words between spaces, separated by anything else. */
  const tokens = (from: string) =>
    from
      .toLowerCase()
      .replace(/[áà]/g, "a")
      .match(/[a-z0-9ß]+|🚀/gu) ?? [];
  const has = (content: string, search: string) =>
    search
      .split(/\s+/)
      .every((term) => ` ${tokens(content).join(" ")} `.includes(` ${tokens(term).join(" ")} `.replace(/^ +$/, " ")));
  const searches = Array.from({ length: 40 }, () => text(1, 3)).filter((search) => tokens(search).length > 0);
  const { relay, a } = await stocked();
  const b = await relay.login(bob);
  for (const [i, search] of searches.entries()) await expectEose(a, `live ${i}`, { search });
  const events = Array.from({ length: 150 }, (_, i) => named(text(0, 8), { created_at: AT + i }));
  for (const event of events) await b.publish(event);
  const frames = await a.settled();
  for (const [i, search] of searches.entries()) {
    const expected = events.filter(({ content }) => has(content, search)).map(({ content }) => content);
    const live = frames.filter(([, id]) => id === `live ${i}`).map((frame) => (frame[2] as Event).content);
    expect([search, live]).toEqual([search, expected]);
    expect([search, (await contents(b, { search })).sort()]).toEqual([search, expected.sort()]);
    expect([search, await count(b, { search })]).toEqual([search, { count: expected.length }]);
  }
});

test("R-04-03 R-05-10 R-05-15 R-05-20 the index follows replacement, deletion, expiry and vanish, also after eviction", async () => {
  const gone = named("word deleted");
  const { relay, a } = await stocked(
    gone,
    named('{"name":"word old"}', { kind: 0 }),
    signed(carol, { created_at: AT, content: "word vanished" }),
    named("word expired", { tags: [["expiration", `${now() + 2}`]] }),
    named("word stays", { created_at: AT - 1 }),
  );
  expect(await count(a, { search: "word" })).toEqual({ count: 5 });
  await relay.restart();
  await a.publish(named('{"name":"word new"}', { kind: 0, created_at: AT + 1 }));
  await a.publish(signed(bob, { kind: 5, tags: [["e", gone.id]] }));
  expect(await contents(a, { search: "word old" })).toEqual([]);
  expect(await contents(a, { search: "word deleted" })).toEqual([]);
  await relay.restart();
  await a.publish(signed(carol, { kind: 62, tags: [["relay", "ALL_RELAYS"]], created_at: AT + 1 }));
  expect(await contents(a, { search: "vanished" })).toEqual([]);
  const expected = ['{"name":"word new"}', "word stays"];
  await expect.poll(() => contents(a, { search: "word" }), { timeout: 5000 }).toEqual(expected);
  await relay.restart();
  expect(await contents(a, { search: "word" })).toEqual(expected);
});

test("events that were stored without search are found once it is on", async () => {
  const relay = freshRelay();
  const before = await relay.login(alice);
  for (const content of ["nostr one", "nostr two"]) await before.publish(named(content));
  before.close();
  await relay.database((sql) => {
    sql.all("DELETE FROM search");
    sql.all("UPDATE meta SET value = 'off' WHERE key = 'search'");
  });
  await relay.restart();
  const a = await relay.login(alice);
  await a.publish(named("nostr three"));
  await expect.poll(() => count(a, { search: "nostr" }), { timeout: 5000 }).toEqual({ count: 3 });
});

test("R-05-40 a kind that is private no more is found, what was stored meanwhile too", async () => {
  const relay = freshRelay({ PRIVATE_KINDS: "4,1112" });
  const during = (kinds: string) => relay.restart({ PRIVATE_KINDS: kinds });
  const a = await relay.login(alice);
  await a.publish(named("nostr one", { kind: 1112 }));
  await during("4");
  const b = await relay.login(alice);
  await b.publish(named("nostr two", { kind: 1112 }));
  await expect.poll(() => count(b, { search: "nostr" }), { timeout: 5000 }).toEqual({ count: 2 });
  await during("4,1112");
  const c = await relay.login(alice);
  expect(await count(c, { search: "nostr" })).toEqual({ count: 0 });
  await c.publish(named("nostr three", { kind: 1112 }));
  await during("4");
  const d = await relay.login(alice);
  await expect.poll(() => count(d, { search: "nostr" }), { timeout: 5000 }).toEqual({ count: 3 });
});
