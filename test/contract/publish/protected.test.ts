import { expect, test } from "vitest";
import { alice, bob, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";
import { verdict } from "../../support/stock.ts";

const OK = [true, ""];

test("T-118 R-05-25 a protected event is taken from its author only", async () => {
  const relay = freshRelay();
  const [a, b, both] = [await relay.login(alice), await relay.login(bob), await relay.login(bob, alice)];
  for (const tags of [
    [["-"]],
    [
      ["t", "x"],
      ["-", "whatever"],
    ],
  ]) {
    const event = unique(alice, { tags });
    expect(verdict(await b.publish(event))).toEqual([false, "restricted"]);
    expect(await b.query({ ids: [event.id] })).toEqual([]);
    expect(verdict(await a.publish(event))).toEqual(OK);
    expect(await b.query({ ids: [event.id] })).toEqual([event]);
    expect(verdict(await both.publish(unique(alice, { tags })))).toEqual(OK);
    expect(verdict(await both.publish(unique(bob, { tags })))).toEqual(OK);
  }
});

test.each([1, 20001])(
  "T-118 R-05-25 a protected event of kind %i that has been taken is taken from nobody else",
  async (kind) => {
    const relay = freshRelay();
    const [a, b, reader] = [await relay.login(alice), await relay.login(bob), await relay.login(bob)];
    await reader.req("all", { kinds: [kind] });
    const event = unique(alice, { kind, tags: [["-"]] });
    expect(verdict(await a.publish(event))).toEqual(OK);
    expect(verdict(await b.publish(event))).toEqual([false, "restricted"]);
    expect(verdict(await a.publish(event))).toEqual([true, "duplicate"]);
  },
);

test("R-05-25 ephemeral and replaceable protected events are no exception; other tags are no protection", async () => {
  const relay = freshRelay();
  const b = await relay.login(bob);
  for (const kind of [0, 20001, 30023]) {
    expect(verdict(await b.publish(unique(alice, { kind, tags: [["-"]] })))).toEqual([false, "restricted"]);
  }
  for (const tags of [[["--"]], [["t", "-"]], [[]], [[""]]]) {
    expect(verdict(await b.publish(unique(alice, { tags })))).toEqual(OK);
  }
});

test("R-05-25 without a login the author has to log in first", async () => {
  const relay = freshRelay({ AUTH_REQUIRED: "false" });
  const a = await relay.connect();
  const event = unique(alice, { tags: [["-"]] });
  expect(verdict(await a.publish(event))).toEqual([false, "auth-required"]);
  await a.auth(alice);
  expect(verdict(await a.publish(event))).toEqual(OK);
});

test.each([6, 16])("T-118 R-05-26 kind %i that embeds a protected event is blocked, whoever sends it", async (kind) => {
  const relay = freshRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const inner = unique(alice, { tags: [["-"]] });
  await a.publish(inner);
  for (const content of [JSON.stringify(inner), JSON.stringify(inner, null, 2), `{"tags":[["\\u002d"]]}`]) {
    expect(verdict(await a.publish(unique(alice, { kind, content })))).toEqual([false, "blocked"]);
    expect(verdict(await b.publish(unique(bob, { kind, content })))).toEqual([false, "blocked"]);
  }
  const harmless = [
    "",
    "not JSON",
    "null",
    "[]",
    '{"tags":"-"}',
    '{"tags":[null,"-",{}]}',
    JSON.stringify(unique(alice, { content: '["-"]' })),
    JSON.stringify(unique(alice, { tags: [["t", "-"]] })),
  ];
  for (const content of harmless) {
    const event = unique(bob, { kind, content, tags: [["n", crypto.randomUUID()]] });
    expect([content, ...verdict(await b.publish(event))]).toEqual([content, ...OK]);
  }
  // Another kind may quote it.
  expect(verdict(await b.publish(unique(bob, { kind: 1, content: JSON.stringify(inner) })))).toEqual(OK);
});
