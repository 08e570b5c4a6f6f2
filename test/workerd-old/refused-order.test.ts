import { expect, test } from "vitest";
import type { Client, Frame } from "../support/client.ts";
import { alice, bob, unique } from "../support/keys.ts";
import { freshRelay } from "../support/relay.ts";
import { type Arrival, receiveTogether } from "./one-turn.ts";
import { relayHolding, relayWith, unsigned } from "./stocked.ts";

// What is refused does not get ahead of what its own connection sent before.

const many = (count: number) => Array.from({ length: count }, (_, n) => unsigned({ created_at: 1_600_000_000 + n }));

/** What comes until all has been committed and answered. */
async function answers(client: Client): Promise<Frame[]> {
  await scheduler.wait(100);
  return client.settled();
}

const LARGE = Array.from({ length: 55 }, () => "x".repeat(1000));

/** Frames of a client that reads much, `waiting`, and then so many that nothing more has room. */
function filled(a: Client, waiting: Arrival[]): Arrival[] {
  const of = (count: number, frame: (n: number) => unknown[]): Arrival[] =>
    Array.from({ length: count }, (_, n) => [a, frame(n)]);
  return [
    ...of(8, (n) => ["REQ", `r${n}`, { kinds: [1], limit: 5000 }]),
    ...waiting,
    ...of(100, (n) => ["REQ", `f${n}`, { "#t": LARGE, limit: 0 }]),
    ...of(60, (n) => ["COUNT", `g${n}`, { kinds: [9] }]),
  ];
}

/** What comes, besides answers to the frames that fill the line, until that is empty. */
async function untilEmpty(a: Client): Promise<Frame[]> {
  for (let n = 0; n < 8; n++) await a.until(([name, id]) => name === "EOSE" && id === `r${n}`, 20_000);
  return (await answers(a)).filter(([name, id]) => id === "s" || name === "OK");
}

const [FIRST, SECOND] = [{ kinds: [1], limit: 1 }, { kinds: [2] }];
const OPENING = "6100000200";

test.each([
  ["REQ", ["REQ", "s", FIRST], ["REQ", "s", SECOND], "CLOSED"],
  ["NEG-OPEN", ["NEG-OPEN", "s", FIRST, OPENING], ["NEG-OPEN", "s", SECOND, OPENING], "NEG-ERR"],
  ["NEG-MSG", ["NEG-OPEN", "s", FIRST, OPENING], ["NEG-MSG", "s", OPENING], "NEG-ERR"],
])(
  "R-01-09 R-03-25 R-05-43 a %s that finds no room to wait ends what waits of its id",
  async (_verb, waiting, refused, verb) => {
    const relay = await relayHolding(...many(2000));
    const a = await relay.login(alice);
    await receiveTogether(relay.stub, [...filled(a, [[a, waiting]]), [a, refused]]);
    const own = await untilEmpty(a);
    expect(own.map(([name, , text]) => [name, String(text).split(":")[0]])).toEqual([[verb, "rate-limited"]]);
  },
  30_000,
);

test("R-01-09 a REQ that finds no room ends the older one after what was published before", async () => {
  const relay = await relayHolding(...many(2000));
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const event = unique(alice);
  await a.req("s", { kinds: [1], limit: 0 });
  const waiting: Arrival[] = [
    [b, ["EVENT", unique(bob)]],
    [a, ["EVENT", event]],
  ];
  await receiveTogether(relay.stub, [...filled(a, waiting), [a, ["REQ", "s", SECOND]]]);
  const own = await untilEmpty(a);
  expect(own.map(([verb]) => verb)).toEqual(["EVENT", "OK", "EVENT", "CLOSED"]);
  expect(own[2]?.[2]).toEqual(event);
}, 30_000);

test("R-01-09 a refused REQ ends the older one after what was published before", async () => {
  const relay = await relayWith({ LIMIT_REQ: "connection:1/1" });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const event = unique(alice);
  await a.req("s", { kinds: [1] });
  await receiveTogether(relay.stub, [
    // After this one, others wait for their commit.
    [b, ["EVENT", unique(bob)]],
    [a, ["EVENT", event]],
    [a, ["REQ", "s", { kinds: [1] }]],
  ]);
  const frames = [await a.next(), await a.next(), await a.next(), await a.next()];
  expect(frames.map(([verb]) => verb)).toEqual(["EVENT", "OK", "EVENT", "CLOSED"]);
  expect(frames[2]?.[2]).toEqual(event);
});

test.each([
  ["refused by a limit", { LIMIT_EVENT: "connection:1/1" }, (event: object) => event],
  ["malformed", {}, (event: object) => ({ ...event, tags: 1 })],
])("R-01-09 of two OKs about one id the first is about the first EVENT: %s", async (_name, variables, second) => {
  const relay = Object.keys(variables).length > 0 ? await relayWith(variables) : freshRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const event = unique(alice);
  await receiveTogether(relay.stub, [
    [b, ["EVENT", unique(bob)]],
    [a, ["EVENT", event]],
    [a, ["EVENT", second(event)]],
  ]);
  const oks = (await answers(a)).filter(([verb]) => verb === "OK");
  expect(oks.map(([, , accepted]) => accepted)).toEqual([true, false]);
});
