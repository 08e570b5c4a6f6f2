import type { Event } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { login } from "../../support/exchange.ts";
import { alice, bob, signed, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

const SUPERSEDED = [false, expect.stringMatching(/^duplicate: ./)];
const DUPLICATE = [true, expect.stringMatching(/^duplicate: ./)];
const STORED = [true, ""];

/** Publishes; returns the last two elements of the OK. */
async function verdict(client: Client, event: Event): Promise<unknown[]> {
  return (await client.publish(event)).slice(2);
}

/** The order of R-03-10. */
function ordered(events: Event[]): Event[] {
  return [...events].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
}

async function count(client: Client, filter: object): Promise<unknown> {
  return (await client.ask(["COUNT", "count", filter]))[2];
}

/** Whatever way it is asked for, the loser of an address is gone and the winner there. */
async function expectOnly(client: Client, winner: Event, losers: Event[]): Promise<void> {
  const { kind, pubkey } = winner;
  expect(await client.query({ kinds: [kind] })).toEqual([winner]);
  expect(await client.query({ authors: [pubkey], kinds: [kind] })).toEqual([winner]);
  expect(await client.query({ ids: [winner.id, ...losers.map(({ id }) => id)] })).toEqual([winner]);
  expect(await count(client, { kinds: [kind] })).toEqual({ count: 1 });
  for (const { tags } of losers) {
    for (const [name = "", value = ""] of tags) {
      const isShared = winner.tags.some((tag) => tag[0] === name && (tag[1] ?? "") === value);
      expect(await client.query({ [`#${name}`]: [value] })).toEqual(isShared ? [winner] : []);
    }
  }
}

const T = 1_700_000_000;

describe.each([0, 3, 10000, 19999, 30000, 39999])("kind %i is replaced", (kind) => {
  const d = kind >= 30000 ? [["d", "x"]] : [];
  const old = signed(alice, { kind, created_at: T, content: "old", tags: [...d, ["t", "old"], ["e", "1".repeat(64)]] });
  const newer = signed(alice, { kind, created_at: T + 1, content: "new", tags: [...d, ["t", "new"]] });

  test("T-099 R-03-15 old then new: the new one, by every way", async () => {
    const client = await login();
    expect(await verdict(client, old)).toEqual(STORED);
    expect(await verdict(client, newer)).toEqual(STORED);
    await expectOnly(client, newer, [old]);
    expect(await verdict(client, newer)).toEqual(DUPLICATE);
    expect(await verdict(client, old)).toEqual(SUPERSEDED);
    await expectOnly(client, newer, [old]);
  });

  test("T-100 new then old: refused as duplicate and not sent on", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await b.req("s", {});
    expect(await verdict(a, newer)).toEqual(STORED);
    expect(await verdict(a, old)).toEqual(SUPERSEDED);
    expect(await verdict(b, old)).toEqual(SUPERSEDED);
    expect(await b.settled()).toEqual([["EVENT", "s", newer]]);
    await expectOnly(a, newer, [old]);
  });

  test("R-04-02 same created_at: the lower id remains, in both orders and in one batch", async () => {
    const pair = ["a", "b"].map((content) => signed(alice, { kind, created_at: T, content, tags: d }));
    const [low, high] = ordered(pair) as [Event, Event];
    for (const order of [
      [low, high],
      [high, low],
    ]) {
      const client = await login();
      for (const event of order) await client.publish(event);
      await expectOnly(client, low, [high]);
      const batched = await login();
      for (const event of order) batched.send(["EVENT", event]);
      const oks = await batched.settled();
      expect(oks.map(([, id, isStored]) => [id, isStored])).toEqual(
        order.map(({ id }) => [id, id === low.id || order[0] === high]),
      );
      await expectOnly(batched, low, [high]);
    }
  });
});

test("T-101 V-3: content b wins over a in either order", async () => {
  const [a, b] = ["a", "b"].map((content) => signed(alice, { kind: 10002, created_at: T, content })) as [Event, Event];
  expect(a.id).toMatch(/^e5805aa4.*9aeb74$/);
  expect(b.id).toMatch(/^3d9021b3.*448c73$/);
  for (const [first, second] of [
    [a, b],
    [b, a],
  ] as const) {
    const client = await login();
    expect(await verdict(client, first)).toEqual(STORED);
    expect(await verdict(client, second)).toEqual(second === b ? STORED : SUPERSEDED);
    await expectOnly(client, b, [a]);
  }
});

describe("addresses", () => {
  const article = (tags: string[][], members: object = {}) => unique(alice, { kind: 30023, tags, ...members });

  /** Stores one after the other, each later than the last; all must remain. */
  async function expectApart(events: Event[]): Promise<void> {
    const client = await login();
    for (const event of events) expect(await verdict(client, event)).toEqual(STORED);
    expect(await client.query({})).toEqual(ordered(events));
  }

  test("T-102 R-04-07 other d, author or kind do not affect each other", async () => {
    const x = article([["d", "x"]]);
    await expectApart([
      x,
      article([["d", "y"]]),
      unique(bob, { kind: 30023, tags: [["d", "x"]] }),
      article([["d", "x"]], { kind: 30024 }),
    ]);
  });

  test("R-04-07 replaceable kinds of other authors and kinds do not affect each other", async () => {
    await expectApart([
      unique(alice, { kind: 0 }),
      unique(bob, { kind: 0 }),
      unique(alice, { kind: 3 }),
      unique(alice, { kind: 10000 }),
      unique(alice, { kind: 10001 }),
    ]);
  });

  test("T-103 no d, d without value and the empty d are one key, and found by it", async () => {
    const client = await login();
    const forms: string[][][] = [[], [["d"]], [["d", ""]], [["t", "x"]], [["d", "", "y"]], [["d"], ["d", "z"]]];
    for (const [i, tags] of forms.entries()) {
      const event = article(tags, { created_at: T + i });
      expect(await verdict(client, event)).toEqual(STORED);
      expect(await client.query({ kinds: [30023] })).toEqual([event]);
      expect(await client.query({ "#d": [""] })).toEqual([event]);
    }
  });

  test("T-104 the first d tag counts", async () => {
    const client = await login();
    const [x, xy] = [
      article([["d", "x"]], { created_at: T }),
      article(
        [
          ["d", "x"],
          ["d", "y"],
        ],
        { created_at: T + 1 },
      ),
    ];
    const y = article([["d", "y"]], { created_at: T + 2 });
    for (const event of [x, xy, y]) expect(await verdict(client, event)).toEqual(STORED);
    expect(await client.query({})).toEqual([y, xy]);
  });

  test("R-04-04 d is compared byte by byte", async () => {
    const values = [
      "a",
      "A",
      " a",
      "a ",
      "a\u0000",
      "\u00e9",
      "e\u0301",
      "a:b",
      "a:",
      "😀",
      "\ufeffa",
      "x".repeat(1024),
    ];
    await expectApart(values.map((value) => article([["d", value]])));
  });

  test("R-04-04 d tags mean nothing on kinds that are not addressable", async () => {
    await expectApart([
      unique(alice, { kind: 1, tags: [["d", "x"]] }),
      unique(alice, { kind: 1, tags: [["d", "x"]] }),
      unique(alice, { kind: 40000, tags: [["d", "x"]] }),
      unique(alice, { kind: 40000, tags: [["d", "x"]] }),
    ]);
    const client = await login();
    const old = unique(alice, { kind: 10002, created_at: T, tags: [["d", "x"]] });
    const newer = unique(alice, { kind: 10002, created_at: T + 1, tags: [["d", "y"]] });
    for (const event of [old, newer]) expect(await verdict(client, event)).toEqual(STORED);
    await expectOnly(client, newer, [old]);
  });

  test("R-04-05 only an addressable event has the empty d when it has no d tag", async () => {
    const client = await login();
    for (const kind of [1, 0, 40000]) await client.publish(unique(alice, { kind }));
    const event = article([]);
    await client.req("s", { "#d": [""] });
    client.send(["EVENT", event]);
    client.send(["EVENT", unique(alice)]);
    expect((await client.settled()).filter(([verb]) => verb === "EVENT")).toEqual([["EVENT", "s", event]]);
    expect(await client.query({ "#d": [""] })).toEqual([event]);
  });
});

test.each([1, 2, 4, 6, 44, 45, 78, 999, 1000, 9999, 40000, 65535])(
  "T-107 R-04-01 kind %i is regular: two versions are kept",
  async (kind) => {
    const client = await login();
    const events = [0, 1].map((i) => unique(alice, { kind, created_at: T + i, tags: [["d", "x"]] }));
    for (const event of events) expect(await verdict(client, event)).toEqual(STORED);
    expect(await client.query({ kinds: [kind] })).toEqual(ordered(events));
    for (const event of events) expect(await verdict(client, event)).toEqual(DUPLICATE);
  },
);
