import { expect, test } from "vitest";
import { type Client, RELAY_URL } from "../../support/client.ts";
import { alice, now, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

/** Bounds so small that a test reaches them all. */
const BOUNDS = {
  RELAY_URL,
  MAX_MESSAGE_LENGTH: "2048",
  MAX_SUBSCRIPTIONS: "3",
  MAX_FILTERS: "4",
  MAX_LIMIT: "6",
  DEFAULT_LIMIT: "5",
  MAX_EVENT_TAGS: "7",
  MAX_CONTENT_LENGTH: "50",
  CREATED_AT_UPPER_LIMIT: "1000",
  CREATED_AT_LOWER_LIMIT: "2000",
};

const relay = freshRelay(BOUNDS);

const accepted = async (client: Client, event: { id: string }) => (await client.publish(event))[2];
const eose = async (client: Client, id: string, ...filters: unknown[]) =>
  (await client.req(id, ...filters)).end[0] === "EOSE";

/** For each number of `limitation`: what happens at it, and what one beyond it. */
const PROBES: Record<string, (client: Client, bound: number) => Promise<[atBound: unknown, beyond: unknown]>> = {
  async max_message_length(client, bound) {
    const answer = async (length: number) => (await client.ask('["COUNT","c",{}]'.padEnd(length)))[0] === "COUNT";
    return [await answer(bound), await answer(bound + 1)];
  },
  async max_subscriptions(client, bound) {
    const opened: boolean[] = [];
    for (let i = 0; i <= bound; i++) opened.push(await eose(client, `s${i}`, { limit: 0 }));
    return [opened.slice(0, bound).every((isOpen) => isOpen), opened[bound]];
  },
  async max_filters(client, bound) {
    const ask = (count: number) => eose(client, "f", ...Array.from({ length: count }, () => ({ limit: 0 })));
    return [await ask(bound), await ask(bound + 1)];
  },
  async max_limit(client, bound) {
    const ask = async (limit: number) => (await client.req("l", { kinds: [9], limit })).events.length === limit;
    return [await ask(bound), await ask(bound + 1)];
  },
  async default_limit(client, bound) {
    const { length } = (await client.req("d", { kinds: [9] })).events;
    return [length >= bound, length >= bound + 1];
  },
  async max_subid_length(client, bound) {
    return [
      await eose(client, "x".repeat(bound), { limit: 0 }),
      await eose(client, "x".repeat(bound + 1), { limit: 0 }),
    ];
  },
  async max_event_tags(client, bound) {
    const publish = (count: number) =>
      accepted(client, unique(alice, { tags: Array.from({ length: count }, () => ["x"]) }));
    return [await publish(bound), await publish(bound + 1)];
  },
  async max_content_length(client, bound) {
    // Characters: each of these is two UTF-16 units and four bytes.
    const publish = (count: number) => accepted(client, unique(alice, { content: "😀".repeat(count) }));
    return [await publish(bound), await publish(bound + 1)];
  },
  async created_at_upper_limit(client, bound) {
    // The clock goes on meanwhile.
    const publish = (ahead: number) => accepted(client, unique(alice, { created_at: now() + ahead, content: "" }));
    return [await publish(bound), await publish(bound + 20)];
  },
  async created_at_lower_limit(client, bound) {
    const publish = (old: number) => accepted(client, unique(alice, { created_at: now() - old, content: "" }));
    return [await publish(bound - 20), await publish(bound + 1)];
  },
};

/** Tested where it is not zero; where a host has the network. */
const ELSEWHERE = new Set(["min_pow_difficulty", "max_frame_length"]);

test("R-08-04 every number of `limitation` is what is enforced", async () => {
  const response = await relay.fetch("/", { headers: { Accept: "application/nostr+json" } });
  const { limitation } = (await response.json()) as { limitation: Record<string, unknown> };
  const writer = await relay.login(alice);
  for (let i = 0; i < 10; i++) {
    expect(await accepted(writer, unique(alice, { kind: 9, created_at: now() - i, content: `${i}` }))).toBe(true);
  }
  const numbers = Object.entries(limitation).filter(
    ([name, value]) => typeof value === "number" && !ELSEWHERE.has(name),
  );
  expect(numbers.map(([name]) => name).sort()).toEqual(Object.keys(PROBES).sort());
  for (const [name, bound] of numbers) {
    const client = await relay.login(alice);
    expect([name, ...((await PROBES[name]?.(client, bound as number)) ?? [])]).toEqual([name, true, false]);
    client.close();
  }
});
