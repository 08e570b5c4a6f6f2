import { verifyEvent } from "nostr-tools/pure";
import { expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { alice, bob, now } from "../../support/keys.ts";
import {
  ADDED,
  join,
  LIST,
  leaving,
  memberRelay,
  membersOf,
  type PlainEvent,
  REMOVED,
  self,
} from "../../support/member-relay.ts";

const events = (client: Client, ...filters: unknown[]) => client.query(...filters) as unknown as Promise<PlainEvent[]>;

test("R-05-66 after each change there is a newer list, and who came or went is told; all signed by the relay, with '-'", async () => {
  const relay = memberRelay();
  const at = now();
  relay.setTime(at);
  const watcher = await relay.login(bob);
  expect(await membersOf(watcher)).toEqual({});
  await watcher.req("live", { kinds: [LIST, ADDED, REMOVED] });
  const a = await relay.login(alice);
  const seen: PlainEvent[] = [];
  const steps = [async () => join(a, alice, await relay.code()), () => a.publish(leaving(alice))];
  for (const step of [...steps, ...steps]) {
    await step();
    await relay.restart();
    await a.settled();
    for (let i = 0; i < 2; i++) seen.push((await watcher.until(([verb]) => verb === "EVENT"))[2] as PlainEvent);
  }
  const kinds = [ADDED, REMOVED, ADDED, REMOVED];
  expect(seen.map(({ kind }) => kind)).toEqual(kinds.flatMap((kind) => [kind, LIST]));
  for (const event of seen) {
    expect(event.pubkey).toBe(self.pubkey);
    expect(event.tags[0]).toEqual(["-"]);
    expect(verifyEvent({ ...event, content: "" })).toBe(true);
    if (event.kind !== LIST) expect(event.tags).toEqual([["-"], ["p", alice.pubkey]]);
  }
  // The clock stands, and yet each list is newer than the one before it.
  const times = seen.filter(({ kind }) => kind === LIST).map(({ created_at }) => created_at);
  expect(times).toEqual([...new Set(times)].sort((x, y) => x - y));
  expect((await events(watcher, { kinds: [LIST] }))[0]).toEqual(seen.at(-1));
  expect((await events(watcher, { kinds: [ADDED, REMOVED] })).map(({ kind }) => kind)).toEqual(kinds.reverse());
});
