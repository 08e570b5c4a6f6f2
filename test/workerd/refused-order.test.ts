import { expect, test } from "vitest";
import type { Client, Frame } from "../support/client.ts";
import { alice, bob, unique } from "../support/keys.ts";
import { type Arrival, receiveTogether } from "../support/one-turn.ts";
import { freshRelay } from "../support/relay.ts";
import { relayHolding, relayWith, unsigned } from "./stocked.ts";

// What is refused does not get ahead of what its own connection sent before.

const many = (count: number) => Array.from({ length: count }, (_, n) => unsigned({ created_at: 1_600_000_000 + n }));

/** What comes until all has been committed and answered. */
async function answers(client: Client): Promise<Frame[]> {
  await scheduler.wait(100);
  return client.settled();
}

test.each(["REQ", "NEG-OPEN"])(
  "R-03-25 R-01-09 a %s that finds no room to wait ends what waits of its id",
  async (verb) => {
    const relay = await relayHolding(...many(5000));
    const a = await relay.login(alice);
    const asks = (id: string, filter: object): unknown[] =>
      verb === "REQ" ? [verb, id, filter] : [verb, id, filter, "6100000200"];
    const of = (count: number, frame: (n: number) => unknown[]): Arrival[] =>
      Array.from({ length: count }, (_, n) => [a, frame(n)]);
    const large = Array.from({ length: 55 }, () => "x".repeat(1000));
    await receiveTogether(relay.stub, [
      ...of(8, (n) => ["REQ", `r${n}`, { kinds: [1], limit: 5000 }]),
      [a, asks("s", { kinds: [1], limit: 1 })],
      ...of(100, (n) => ["REQ", `f${n}`, { "#t": large, limit: 0 }]),
      ...of(60, (n) => ["COUNT", `g${n}`, { kinds: [9] }]),
      [a, asks("s", { kinds: [2] })],
    ]);
    for (let n = 0; n < 8; n++) await a.until(([name, id]) => name === "EOSE" && id === `r${n}`, 20_000);
    const own = (await answers(a)).filter(([, id]) => id === "s");
    expect(own.map(([name, , text]) => [name, String(text).split(":")[0]])).toEqual([
      [verb === "REQ" ? "CLOSED" : "NEG-ERR", "rate-limited"],
    ]);
  },
  30_000,
);

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
