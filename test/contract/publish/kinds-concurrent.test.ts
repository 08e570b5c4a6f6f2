import type { Event } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { alice, bob, carol, signed } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

const T = 1_700_000_000;

/** The order of R-03-10, in which the winner of an address is first (R-04-02). */
function ordered(events: Event[]): Event[] {
  return [...events].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
}

/** The winner is there and no other version, whatever way is asked. */
async function expectOnly(client: Client, winner: Event, versions: Event[]): Promise<void> {
  const { kind } = winner;
  expect(await client.query({ kinds: [kind] })).toEqual([winner]);
  expect(await client.query({ authors: [winner.pubkey] })).toEqual([winner]);
  expect(await client.query({ ids: versions.map(({ id }) => id) })).toEqual([winner]);
  expect(await client.query({ "#t": versions.map(({ content }) => content) })).toEqual([winner]);
  client.send(["COUNT", "count", { kinds: [kind] }]);
  expect(await client.until(([verb]) => verb === "COUNT")).toEqual(["COUNT", "count", { count: 1 }]);
}

/** Winners follow one another and never go back. */
function expectRising(events: Event[]): void {
  for (const [i, event] of events.entries()) {
    if (i > 0) expect(ordered([event, events[i - 1] as Event])[0]).toEqual(event);
  }
}

describe.each([
  ["replaceable", 10002, []],
  ["addressable", 30023, [["d", "x"]]],
])("T-108 R-04-03 50 concurrent versions of one %s key", (_name, kind, tags) => {
  /** Ten created_at, five ids each, in an order that is neither rising nor falling. */
  const versions = Array.from({ length: 50 }, (_, i) => {
    const created_at = T + ((i * 7) % 10);
    return signed(alice, { kind, created_at, content: `${i}`, tags: [...tags, ["t", `${i}`]] });
  });
  const winner = ordered(versions)[0] as Event;

  test("exactly one remains, the winner; meanwhile no query finds both or neither", async () => {
    const relay = freshRelay();
    const publishers = await Promise.all([alice, bob, carol, alice, bob].map((by) => relay.login(by)));
    const [reader, listener] = [await relay.login(carol), await relay.login(carol)];
    const first = versions[0] as Event;
    expect(await reader.publish(first)).toEqual(["OK", first.id, true, ""]);
    await listener.req("s", { kinds: [kind], limit: 0 });

    let isDone = false;
    const reading = (async () => {
      const found: Event[] = [];
      while (!isDone) {
        const events = (await reader.query({ kinds: [kind] })) as unknown as Event[];
        expect(events.length).toBe(1);
        found.push(...events);
      }
      return found;
    })();
    const publishing = publishers.map(async (publisher, p) => {
      for (const [i, event] of versions.entries()) if (i % publishers.length === p) publisher.send(["EVENT", event]);
      return publisher.settled();
    });
    const published = Promise.all(publishing).finally(() => {
      isDone = true;
    });
    const [oks, seen] = [(await published).flat(), await reading];

    // One OK each: stored, refused as superseded, or (the first version) a duplicate.
    expect(oks.map(([verb, id]) => `${verb} ${id}`).sort()).toEqual(versions.map(({ id }) => `OK ${id}`).sort());
    for (const [, , isStored, text] of oks)
      expect(text).toMatch(isStored === true ? /^$|^duplicate: ./ : /^duplicate: ./);
    expect(oks).toContainEqual(["OK", winner.id, true, ""]);
    await expectOnly(reader, winner, versions);

    // Every version that was stored was sent on, in the order of winning; no loser was.
    const live = (await listener.settled()).map(([, , event]) => event as Event);
    const stored = oks.filter(([, , isStored, text]) => isStored === true && text === "").map(([, id]) => id);
    expect(live.map(({ id }) => id).sort()).toEqual(stored.sort());
    expect(live.at(-1)).toEqual(winner);
    expectRising(live);
    expect(seen.length).toBeGreaterThan(0);
    expectRising(seen);

    await relay.restart();
    await expectOnly(reader, winner, versions);
  });
});
