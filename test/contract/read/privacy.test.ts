import { expect, test } from "vitest";
import type { Client, Filter, Frame } from "../../support/client.ts";
import { alice, bob, carol, key, now, unique } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { countOf, relayHolding, unsigned, verdict } from "../../support/stock.ts";

const AT = now() - 1000;
const PRIVATE = [4, 13, 14, 15, 1059];
const OK = [true, ""];
const stranger = key(9);

const privateEvent = (kind: number, i = 0) =>
  unsigned({
    pubkey: carol.pubkey,
    kind,
    created_at: AT + 10 + i,
    tags: [
      ["p", bob.pubkey],
      ["t", "x"],
      ["e", "e".repeat(64)],
    ],
  });

const SECRETS = PRIVATE.flatMap((kind) => [0, 1, 2].map((i) => privateEvent(kind, i)));
const PUBLIC = [0, 1, 2].map((i) =>
  unsigned({
    pubkey: carol.pubkey,
    created_at: AT + i,
    tags: [
      ["p", bob.pubkey],
      ["t", "x"],
      ["e", "e".repeat(64)],
    ],
  }),
);

/** Everything that could find the secrets. */
const FILTERS: Filter[] = [
  {},
  { limit: 2 },
  { limit: 3 },
  { kinds: PRIVATE },
  { kinds: [1059] },
  { kinds: [1, 4, 1059], limit: 3 },
  { kinds: Array.from({ length: 40 }, (_, i) => 1040 + i) },
  { ids: SECRETS.map(({ id }) => id) },
  { ids: [...SECRETS, ...PUBLIC].map(({ id }) => id) },
  { authors: [carol.pubkey] },
  { authors: [carol.pubkey], kinds: PRIVATE },
  { authors: [carol.pubkey, stranger.pubkey], limit: 3 },
  { "#p": [bob.pubkey] },
  { "#p": [bob.pubkey, stranger.pubkey], kinds: [4] },
  { "#p": [stranger.pubkey], kinds: [1059] },
  { "#t": ["x"] },
  { "#t": ["x"], limit: 3 },
  { "#e": ["e".repeat(64)], "#p": [bob.pubkey] },
  { "#t": ["x"], authors: [carol.pubkey] },
  { since: AT + 10 },
  { since: AT + 10, until: AT + 12, limit: 1 },
];

/** Every frame that a connection gets for asking every way there is. */
async function inquire(client: Client): Promise<Frame[]> {
  const frames: Frame[] = [];
  const send = async (message: unknown[]): Promise<void> => {
    client.send(message);
    const probe = await client.settled();
    frames.push(...probe);
  };
  const target = SECRETS[0]?.id as string;
  for (const [i, filter] of FILTERS.entries()) {
    await send(["REQ", `r${i}`, filter]);
    await send(["CLOSE", `r${i}`]);
    await send(["COUNT", `c${i}`, filter]);
    await send(["NEG-OPEN", `n${i}`, filter, "6100000200"]);
    await send(["NEG-CLOSE", `n${i}`]);
  }
  await send(["REQ", "union", { kinds: [1], limit: 1 }, { kinds: PRIVATE }, { ids: [target], limit: 1 }]);
  await send(["COUNT", "union", { kinds: [1] }, { "#t": ["x"] }, { ids: [target] }]);
  // Knowing an id is not having the event: it may come from somebody's `e` tag.
  for (const kind of [1, 1059]) await send(["EVENT", { ...privateEvent(kind), id: target }]);
  await send(["CLOSE", target]);
  return frames;
}

const isPrivate = (frame: Frame): boolean => SECRETS.some(({ id }) => JSON.stringify(frame).includes(id.slice(0, 32)));

test("T-120 T-121 R-05-28 R-05-29 R-03-18 a stranger is answered as if private events did not exist", async () => {
  const withSecrets = await relayHolding(...PUBLIC, ...SECRETS);
  const without = await relayHolding(...PUBLIC);
  const [with_, without_] = [await withSecrets.login(stranger), await without.login(stranger)];
  const frames = await inquire(with_);
  expect(frames).toEqual(await inquire(without_));
  const answers = frames.filter(([verb]) => verb !== "OK");
  expect(answers.filter(isPrivate)).toEqual([]);
  // The walk did see something: events, counts, registers, hints, refusals.
  const seen = new Set(frames.map(([verb]) => verb));
  for (const verb of ["EVENT", "EOSE", "COUNT", "CLOSED"]) expect(seen).toContain(verb);
  expect(JSON.stringify(frames)).toMatch(/"hll":"[0-9a-f]{512}"/);
  expect(frames.some((frame) => JSON.stringify(frame[2]) === '["more"]')).toBe(true);
  // A deletion by a stranger reads the same whether or not its target exists, and does nothing.
  for (const client of [with_, without_]) {
    const request = unique(stranger, { kind: 5, tags: SECRETS.map(({ id }) => ["e", id]) });
    expect((await client.publish(request)).slice(2)).toEqual(OK);
  }
  const b = await withSecrets.login(bob);
  expect(await countOf(b, { kinds: PRIVATE, "#p": [bob.pubkey] })).toBe(SECRETS.length);
});

test("R-05-29 R-07-17 nothing in /api/stats depends on private events", async () => {
  const many = Array.from({ length: 200 }, (_, i) => privateEvent(1059, i));
  const told = async (...events: ReturnType<typeof unsigned>[]) => {
    const relay = await relayHolding(...events);
    const all = (await (await relay.fetch("http://relay/api/stats")).json()) as Record<string, unknown>;
    return { ...all, uptime_seconds: 0, awake_since: 0 };
  };
  const statistics = await told(...PUBLIC);
  expect(statistics).toMatchObject({ events_total: 3, events_by_kind: { "1": 3 } });
  expect(await told(...PUBLIC, ...SECRETS, ...many)).toEqual(statistics);
});

/** Logins of the author, the recipient, and somebody else. */
async function parties(relay: TestRelay): Promise<{ author: Client; recipient: Client; other: Client }> {
  return { author: await relay.login(carol), recipient: await relay.login(bob), other: await relay.login(alice) };
}

test.each([...PRIVATE, 21059])(
  "T-120 R-05-28 R-05-32 kind %i live: author and recipient get it, others do not",
  async (kind) => {
    const { author, recipient, other } = await parties(freshRelay());
    for (const client of [author, recipient, other]) {
      await client.req("all", {});
      await client.req("own", { kinds: [kind], "#p": [bob.pubkey] });
    }
    const event = unique(carol, { kind, tags: [["p", bob.pubkey]] });
    // Handed in by a third party, who does not see it either.
    expect(verdict(await other.publish(event))).toEqual(OK);
    for (const client of [author, recipient]) {
      const frames = await client.settled();
      expect(frames.map(([verb, id]) => `${verb} ${id}`).sort()).toEqual(["EVENT all", "EVENT own"]);
    }
    expect(await other.settled()).toEqual([]);
    if (kind >= 20000 && kind < 30000) return;
    for (const filter of [{ ids: [event.id] }, { kinds: [kind] }, {}]) {
      expect(await author.query(filter)).toEqual([event]);
      expect(await recipient.query(filter)).toEqual([event]);
      // R-05-30: missing without a word.
      expect((await other.req("q", filter)).end).toEqual(["EOSE", "q", ["finish"]]);
      expect(await other.query(filter)).toEqual([]);
    }
  },
);

test("T-121 R-05-31 COUNT of private kinds only is for the parties; without a login it asks for one", async () => {
  const relay = await relayHolding(...PUBLIC, ...SECRETS);
  const { author, recipient, other } = await parties(relay);
  const confined = { kinds: PRIVATE, "#p": [bob.pubkey] };
  expect(await countOf(recipient, confined)).toBe(15);
  expect(await countOf(author, { kinds: PRIVATE, authors: [carol.pubkey] })).toBe(15);
  for (const filter of [{ kinds: PRIVATE }, { kinds: [1059] }, confined, { kinds: [4], authors: [carol.pubkey] }]) {
    const [verb, , text] = await other.ask(["COUNT", "c", filter]);
    expect([verb, String(text).split(":")[0]]).toEqual(["CLOSED", "restricted"]);
  }
  const open = await freshRelay({ AUTH_REQUIRED: "false" }).connect();
  const [verb, , text] = await open.ask(["COUNT", "c", { kinds: [1059] }]);
  expect([verb, String(text).split(":")[0]]).toEqual(["CLOSED", "auth-required"]);
  expect(await countOf(open, { kinds: [1, 1059] })).toBe(0);
});

test("R-05-33 a further login widens live delivery at once, stored answers from the next REQ", async () => {
  const relay = await relayHolding(...SECRETS);
  const client = await relay.login(alice);
  const { events } = await client.req("s", { kinds: [1059] });
  expect(events).toEqual([]);
  await client.auth(bob);
  expect(await client.settled()).toEqual([]);
  const wrap = unique(key(77), { kind: 1059, tags: [["p", bob.pubkey]] });
  expect(verdict(await client.publish(wrap))).toEqual(OK);
  expect(await client.settled()).toEqual([["EVENT", "s", wrap]]);
  expect((await client.query({ kinds: [1059] })).length).toBe(4);
});

test("R-05-29 handing in again what one has: the same answer for all", async () => {
  const relay = freshRelay();
  const { author, recipient, other } = await parties(relay);
  const wrap = unique(carol, { kind: 1059, tags: [["p", bob.pubkey]] });
  await author.publish(wrap);
  const answers = [author, recipient, other].map(async (client) => (await client.publish(wrap)).slice(2));
  const [first, ...rest] = await Promise.all(answers);
  expect(first).toEqual([true, expect.stringMatching(/^duplicate: /)]);
  for (const answer of rest) expect(answer).toEqual(first);
});
