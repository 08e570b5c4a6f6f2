import type { Event } from "nostr-tools/pure";
import { expect, test } from "vitest";
import type { Client, Frame } from "../../support/client.ts";
import { alice, bob, carol, signed, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

// Events that wait for one commit are verified together: who gets which answer must not depend on it.

const INVALID = "invalid: signature does not verify";

/** The event with the signature of another one by the same key. */
function forged(event: Event): Event {
  return { ...event, sig: unique(alice).sig };
}

/** Sends all in one turn and returns the OKs by id, in the order of their arrival. */
async function publishAll(client: Client, events: readonly Event[]): Promise<Map<string, Frame>> {
  for (const event of events) client.send(["EVENT", event]);
  const answers = new Map<string, Frame>();
  while (answers.size < new Set(events.map(({ id }) => id)).size) {
    const frame = await client.until(([verb]) => verb === "OK", 20_000);
    answers.set(frame[1] as string, frame);
  }
  return answers;
}

test("R-02-09 T-058 wrong signatures among right ones, of several connections: each event gets its own verdict", async () => {
  const relay = freshRelay();
  const clients = await Promise.all([alice, bob, carol].map((by) => relay.login(by)));
  const listener = await relay.login(alice);
  await listener.req("live", { kinds: [1], limit: 0 });
  const sent = clients.map((_, c) =>
    Array.from({ length: 100 }, (_, i) => {
      const event = unique(alice);
      // The first connection sends no wrong one, the others every tenth, or all but every tenth.
      const isWrong = c === 1 ? i % 10 === 5 : c === 2 && i % 10 !== 5;
      return { event: isWrong ? forged(event) : event, isWrong };
    }),
  );
  const all = await Promise.all(
    clients.map((client, c) =>
      publishAll(
        client,
        (sent[c] as { event: Event }[]).map(({ event }) => event),
      ),
    ),
  );
  const accepted: string[] = [];
  for (const [c, events] of sent.entries()) {
    for (const { event, isWrong } of events) {
      expect(all[c]?.get(event.id)).toEqual(["OK", event.id, !isWrong, isWrong ? INVALID : ""]);
      if (!isWrong) accepted.push(event.id);
    }
  }
  const live = (await listener.settled()).map(([, , event]) => (event as Event).id);
  expect(live.sort()).toEqual(accepted.sort());
  const stored = (await listener.query({ kinds: [1] })).map(({ id }) => id);
  expect(stored.sort()).toEqual(accepted);
});

test("R-02-09 a wrong signature does not keep the right event of the same id out, before or after", async () => {
  const client = await freshRelay().login(alice);
  const [first, second] = [unique(bob), unique(bob)];
  const sent = [forged(first), first, second, forged(second), { ...second, content: "other" }];
  for (const event of sent) client.send(["EVENT", event]);
  const answers: Frame[] = [];
  while (answers.length < sent.length) answers.push(await client.next());
  // Answers about one id come in the order of its events. Who sent a wrong signature gets nothing unverified any more.
  const of = ({ id }: Event) => answers.filter((frame) => frame[1] === id).map(([, , ok]) => ok);
  expect(of(first)).toEqual([false, true]);
  expect(of(second)).toEqual([true, false, false]);
  const stored = await client.query({ authors: [bob.pubkey] });
  expect(stored.map(({ sig }) => sig).sort()).toEqual([first.sig, second.sig].sort());
});

test("R-02-12 the signature is judged before the policies, the id before the signature", async () => {
  const client = await freshRelay().login(alice);
  const late = signed(alice, { tags: [["expiration", "1"]] });
  const answers = await publishAll(client, [late, { ...unique(alice), id: "0".repeat(64) }]);
  expect(answers.get(late.id)?.[3]).toBe("invalid: event expired");
  expect(answers.get("0".repeat(64))?.[3]).toMatch(/^invalid: id/);
  expect((await client.publish(forged(late)))[3]).toBe(INVALID);
});

test("R-02-12 R-02-13 a stored event that comes again is known, also beside what replaces or deletes it", async () => {
  const client = await freshRelay().login(alice);
  const plain = unique(alice);
  const old = signed(alice, { kind: 10002, created_at: 1_700_000_000, content: "old" });
  await publishAll(client, [plain, old]);
  expect(await client.publish(plain)).toEqual(["OK", plain.id, true, "duplicate: already have this event"]);
  // What is stored already need not be verified.
  expect((await client.publish(forged(plain)))[2]).toBe(true);
  const newer = signed(alice, { kind: 10002, created_at: 1_700_000_001, content: "new" });
  const deletion = signed(alice, { kind: 5, tags: [["e", plain.id]] });
  const answers = await publishAll(client, [newer, old, deletion, plain]);
  expect([newer, old, deletion, plain].map(({ id }) => answers.get(id)?.slice(2))).toEqual([
    [true, ""],
    [false, "duplicate: a newer version is stored"],
    [true, ""],
    [false, "blocked: deleted by its author"],
  ]);
});

test("R-01-09 EVENT, EVENT, REQ sent at once: the REQ sees what was right, and no answer overtakes it", async () => {
  const client = await freshRelay().login(alice);
  const [a, b, c] = [unique(alice), forged(unique(alice)), unique(alice)];
  for (const event of [a, b, c]) client.send(["EVENT", event]);
  client.send(["REQ", "s", { authors: [alice.pubkey] }]);
  const frames: Frame[] = [];
  while (frames.at(-1)?.[0] !== "EOSE") frames.push(await client.next());
  expect(frames.map(([verb]) => verb)).toEqual(["OK", "OK", "OK", "EVENT", "EVENT", "EOSE"]);
  const oks = new Map(frames.slice(0, 3).map((frame) => [frame[1], frame[2]]));
  expect([a, b, c].map(({ id }) => oks.get(id))).toEqual([true, false, true]);
});

test("R-04-09 R-05-06 an ephemeral event after a deletion in the same commit is blocked, one before it is not", async () => {
  const relay = freshRelay();
  const [client, listener] = [await relay.login(alice), await relay.login(bob)];
  await listener.req("live", { kinds: [20001], limit: 0 });
  const [before, after] = [unique(alice, { kind: 20001 }), unique(alice, { kind: 20001 })];
  const deletion = signed(alice, { kind: 5, tags: [before, after].map(({ id }) => ["e", id]) });
  const answers = await publishAll(client, [before, deletion, after]);
  expect([before, deletion, after].map(({ id }) => answers.get(id)?.[2])).toEqual([true, true, false]);
  expect((await listener.settled()).map(([, , event]) => (event as Event).id)).toEqual([before.id]);
});
