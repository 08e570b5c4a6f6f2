import { expect, test } from "vitest";
import { alice, bob, now, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";
import { countOf, verdict } from "../../support/stock.ts";

// Tag values have no bound but that of their message: they are stored, found and referred to like short ones.

const AT = now() - 1000;
const OK = [true, ""];
const LENGTHS = [1024, 1025, 4096, 4097, 20_000, 200_000];

/** The message of a sync whose client holds nothing: it is answered with all ids. */
const EMPTY = "6100000200";

test.each(LENGTHS)(
  "R-02-04 an indexed value of %i bytes is found, live, counted and synced; its neighbour is not",
  async (length) => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    const value = "é".repeat(Math.floor(length / 2)) + "a".repeat(length % 2);
    const neighbour = `${value.slice(0, -1)}b`;
    const twin = unique(alice, { kind: 5050, tags: [["i", neighbour, "text"]] });
    const event = unique(alice, {
      kind: 5050,
      tags: [
        ["i", value, "text"],
        ["r", value],
      ],
    });
    await b.req("live", { "#i": [value] });
    for (const one of [twin, event]) expect(verdict(await a.publish(one))).toEqual(OK);
    expect(await b.next()).toEqual(["EVENT", "live", event]);
    expect(await b.query({ "#i": [value] })).toEqual([event]);
    expect(await b.query({ kinds: [5050], "#r": [value], "#i": ["x", value] })).toEqual([event]);
    expect(await b.query({ "#i": [`${value}.`] }, { "#r": [neighbour] })).toEqual([]);
    expect(await countOf(b, { "#i": [value] })).toBe(1);
    expect(await countOf(b, { "#i": [value, neighbour] })).toBe(2);
    const [verb, , hex] = await b.ask(["NEG-OPEN", "sync", { "#i": [value] }, EMPTY]);
    expect([verb, String(hex).includes(event.id), String(hex).includes(twin.id)]).toEqual(["NEG-MSG", true, false]);
    expect(await b.settled()).toEqual([]);
  },
);

test.each(LENGTHS)(
  "R-02-04 R-04-02 R-05-04 R-05-07 an address whose d has %i bytes is replaced, named and deleted",
  async (length) => {
    const a = await freshRelay().login(alice);
    const d = `${"é".repeat(Math.floor((length - 2) / 2))}:${"a".repeat(1 + (length % 2))}`;
    const article = (value: string, created_at: number) =>
      unique(alice, { kind: 30023, created_at, tags: [["d", value]] });
    const [first, second, third, fourth] = [AT, AT + 1, AT + 2, AT + 3].map((at) => article(d, at));
    const neighbour = article(`${d.slice(0, -1)}b`, AT);
    for (const event of [neighbour, first, second]) expect(verdict(await a.publish(event))).toEqual(OK);
    expect(verdict(await a.publish(first))).toEqual([false, "duplicate"]);
    expect(await a.query({ "#d": [d] })).toEqual([second]);
    const address = `30023:${alice.pubkey}:${d}`;
    const reply = unique(bob, { tags: [["a", address]] });
    expect(verdict(await a.publish(reply))).toEqual(OK);
    expect(await a.query({ "#a": [address] })).toEqual([reply]);
    expect(verdict(await a.publish(unique(alice, { kind: 5, created_at: AT + 2, tags: [["a", address]] })))).toEqual(
      OK,
    );
    expect(await a.query({ kinds: [30023] })).toEqual([neighbour]);
    expect(verdict(await a.publish(third))).toEqual([false, "blocked"]);
    expect(verdict(await a.publish(fourth))).toEqual(OK);
    expect(await a.query({ "#d": [d] })).toEqual([fourth]);
  },
);

test("R-02-04 an unindexed value and a second value have no bound either", async () => {
  const a = await freshRelay().login(alice);
  const long = "x".repeat(100_000);
  const event = unique(alice, {
    tags: [
      ["title", long],
      ["t", "x", long],
    ],
  });
  expect(verdict(await a.publish(event))).toEqual(OK);
  expect(await a.query({ "#t": ["x"] })).toEqual([event]);
});
