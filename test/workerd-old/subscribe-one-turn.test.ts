import type { Event } from "nostr-tools/pure";
import { expect, test } from "vitest";
import type { Frame } from "../support/client.ts";
import { alice, bob, unique } from "../support/keys.ts";
import { freshRelay } from "../support/relay.ts";
import { type Arrival, receiveTogether } from "./one-turn.ts";

/** Each event once, one EOSE, and before it only the stored answer in its order (R-03-10, R-03-16). */
function check(frames: Frame[], sub: string, ids: readonly string[]): void {
  const own = frames.filter((frame) => frame[1] === sub);
  const events = own.filter(([verb]) => verb === "EVENT").map((frame) => frame[2] as Event);
  expect(events.map(({ id }) => id).sort()).toEqual([...ids].sort());
  expect(own.length).toBe(ids.length + 1);
  const end = own.findIndex(([verb]) => verb === "EOSE");
  const stored = events.slice(0, end);
  expect(stored).toEqual([...stored].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1)));
}

test("R-03-20 an event that is begun in one turn with somebody's REQ arrives exactly once", async () => {
  const relay = freshRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  for (let microtasks = 0; microtasks < 30; microtasks++) {
    for (const isReqFirst of [true, false]) {
      const sub = `${isReqFirst} ${microtasks}`;
      const event = unique(bob, { tags: [["t", sub]] });
      const frames: Arrival[] = [
        [a, ["REQ", sub, { "#t": [sub] }], microtasks],
        [b, ["EVENT", event], microtasks],
      ];
      // An event that comes so long after the last commit is committed as it arrives.
      await scheduler.wait(10);
      await receiveTogether(relay.stub, isReqFirst ? frames : frames.reverse());
      await b.settled();
      check(await a.settled(), sub, [event.id]);
    }
  }
});
