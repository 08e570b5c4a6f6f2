import type { Event } from "nostr-tools/pure";
import { expect, test } from "vitest";
import { indexedTags } from "../../src/protocol/event.ts";
import { type Filter, parseFilter } from "../../src/protocol/filter.ts";
import { Connection, newAttachment } from "../../src/relay/connection.ts";
import { Subscription } from "../../src/relay/read/subscription.ts";
import { SubscriptionIndex } from "../../src/relay/read/subscription-index.ts";
import type { Filter as WireFilter } from "../support/client.ts";
import { KEYS, PRIVATE_KINDS, randomDraft, Signer, WORDS } from "../support/model/drafts.ts";
import { naiveMatch } from "../support/model/naive-rules.ts";
import { Oracle } from "../support/model/oracle.ts";
import { randomFilters } from "../support/model/random-filters.ts";
import { Random } from "../support/random.ts";

const SEEDS = 10;
const STEPS = 400;

const nowhere = { send() {}, close() {}, pingedMs: () => 0, attach() {} };

/** An event that was never signed: the index looks at neither id nor signature. */
function randomEvent(random: Random, ids: readonly string[]): Event {
  const { by, kind, created_at, tags, content } = randomDraft(random, random.pick([[1, 7], undefined, PRIVATE_KINDS]));
  const more = random.some(WORDS, 0, 2).map((word) => [random.pick(["t", "T", "d"]), word]);
  const pubkey = KEYS[by]?.pubkey ?? "";
  return { id: random.pick(ids), pubkey, created_at, kind, tags: [...tags, ...more], content, sig: "" };
}

function open(connection: Connection, id: number, source: WireFilter[], andFilters = false): Subscription {
  const filters = source.map((wire): Filter => {
    const parsed = parseFilter(wire, { andFilters });
    if (!parsed.ok) throw new Error(parsed.reason);
    return parsed.value;
  });
  return new Subscription(connection, String(id), filters, source);
}

test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
  "R-03-21 R-06-21 the index finds what looking at every subscription finds, seed %i",
  (seed) => {
    const random = new Random(seed);
    const connection = new Connection(nowhere, newAttachment(0), new Set(), undefined);
    const ids = Array.from({ length: 30 }, () => random.int(0, 0xffffffff).toString(16).padStart(8, "0").repeat(8));
    const oracle = new Oracle(() => true);
    oracle.archive.events = ids.map((id) => ({ ...randomEvent(random, ids), id }));
    const index = new SubscriptionIndex();
    const opened = new Map<Subscription, WireFilter[]>();
    let found = 0;
    let removed = 0;
    for (let step = 0; step < STEPS; step++) {
      for (let i = random.int(0, 3); i > 0; i--) {
        const source = randomFilters(random, { oracle, signer: new Signer() });
        const subscription = open(connection, step * 4 + i, source);
        opened.set(subscription, source);
        index.add(subscription);
      }
      for (const subscription of random.some([...opened.keys()], 0, 2)) {
        opened.delete(subscription);
        index.remove(subscription);
        removed++;
      }
      expect(index.size).toBe(opened.size);
      const event = randomEvent(random, ids);
      const matched: string[] = [];
      index.match(event, indexedTags(event), ({ id }) => matched.push(id));
      const expected = [...opened].filter(([, source]) => source.some((filter) => naiveMatch(filter, event)));
      expect(matched.sort(), JSON.stringify(event)).toEqual(expected.map(([{ id }]) => id).sort());
      found += matched.length;
    }
    for (const subscription of opened.keys()) index.remove(subscription);
    expect(index.size).toBe(0);
    for (const event of oracle.events) index.match(event, indexedTags(event), ({ id }) => expect.fail(`${id} is gone`));
    expect(found).toBeGreaterThan(STEPS);
    expect(removed).toBeGreaterThan(STEPS / 4);
  },
);

test("R-03-06 the index finds a filter whose values must all be there by any of its conditions", () => {
  const random = new Random(1);
  const connection = new Connection(nowhere, newAttachment(0), new Set(), undefined);
  const index = new SubscriptionIndex();
  const opened = new Map<Subscription, WireFilter>();
  for (let i = 0; i < 200; i++) {
    const filter: WireFilter = { "&t": random.some(WORDS, 1, 3), ...random.pick([{}, { kinds: [1, 7] }]) };
    const subscription = open(connection, i, [filter], true);
    opened.set(subscription, filter);
    index.add(subscription);
  }
  let found = 0;
  for (let i = 0; i < 200; i++) {
    const event = randomEvent(random, ["f".repeat(64)]);
    const values = event.tags.filter(([name]) => name === "t").map((tag) => tag[1]);
    const matched: string[] = [];
    index.match(event, indexedTags(event), ({ id }) => matched.push(id));
    const expected = [...opened].filter(([, { "&t": wanted, ...rest }]) => {
      return naiveMatch(rest, event) && (wanted as string[]).every((value) => values.includes(value));
    });
    expect(matched.sort(), JSON.stringify(event)).toEqual(expected.map(([{ id }]) => id).sort());
    found += matched.length;
  }
  expect(found).toBeGreaterThan(200);
});
