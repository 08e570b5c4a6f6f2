import { expect, test } from "vitest";
import { alice, bob, carol, now, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

// What a subscription gets while it is open, and after.

/** For each field of a filter: what asks for it, and what else the event must not be. */
const FIELDS: [field: string, filter: (id: string) => object, other: (id: string) => object][] = [
  ["ids", (id) => ({ ids: [id] }), () => ({ ids: ["0".repeat(64)] })],
  ["authors", () => ({ authors: [bob.pubkey] }), () => ({ authors: [carol.pubkey] })],
  ["kinds", () => ({ kinds: [9] }), () => ({ kinds: [10] })],
  ["#e", () => ({ "#e": ["1".repeat(64)] }), () => ({ "#e": ["2".repeat(64)] })],
  ["#p", () => ({ "#p": [carol.pubkey] }), () => ({ "#p": [alice.pubkey] })],
  ["#t", () => ({ "#t": ["a"] }), () => ({ "#t": ["A"] })],
  ["since", () => ({ since: now() - 60 }), () => ({ since: now() + 600 })],
  ["until", () => ({ until: now() + 600 }), () => ({ until: now() - 60 })],
  ["search", () => ({ search: "orchard" }), () => ({ search: "orchid" })],
];

test.each(FIELDS)(
  "R-06-21 R-06-32 by %s: what matches is sent to every subscription, other events are not",
  async (_, filter, other) => {
    const relay = freshRelay();
    const [a, b, c] = [await relay.login(alice), await relay.login(bob), await relay.login(carol)];
    const tags = [
      ["e", "1".repeat(64)],
      ["p", carol.pubkey],
      ["t", "a"],
    ];
    const event = unique(bob, { kind: 9, tags, content: `the orchard ${crypto.randomUUID()}` });
    for (const client of [a, c]) {
      await client.req("match", { limit: 0, ...filter(event.id) });
      await client.req("other", { limit: 0, ...other(event.id) });
    }
    expect((await b.publish(event))[2]).toBe(true);
    for (const client of [a, c]) expect(await client.settled()).toEqual([["EVENT", "match", event]]);
  },
);

test("R-06-33 nothing is sent after CLOSE, and nothing after CLOSED", async () => {
  const relay = freshRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  await a.req("ended", { kinds: [1] });
  a.send(["CLOSE", "ended"]);
  await a.req("refused", { kinds: [1] });
  expect((await a.req("refused", { kinds: "x" })).end[0]).toBe("CLOSED");
  expect(await a.settled()).toEqual([]);
  await b.publish(unique(bob));
  expect(await a.settled()).toEqual([]);
});

test("R-06-23 live events pass over strangers and those who may not see them", async () => {
  const relay = freshRelay();
  const stranger = await relay.connect();
  const [a, b, c] = [await relay.login(alice), await relay.login(bob), await relay.login(carol)];
  for (const client of [a, c]) await client.req("live", {});
  stranger.send(["REQ", "live", {}]);
  expect((await stranger.next())[0]).toBe("CLOSED");
  const secret = unique(bob, { kind: 4, tags: [["p", carol.pubkey]] });
  await b.publish(secret);
  expect(await a.settled()).toEqual([]);
  expect(await c.settled()).toEqual([["EVENT", "live", secret]]);
  stranger.send(["REQ", "again", {}]);
  expect((await stranger.next()).slice(0, 2)).toEqual(["CLOSED", "again"]);
});
