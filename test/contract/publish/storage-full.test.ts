import { expect, test } from "vitest";
import { admin, alice, bob, now, signed, unique } from "../../support/keys.ts";
import { caller } from "../../support/manage.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { lookUp, stock, storedEvents, unsigned, verdict } from "../../support/stock.ts";

const OK = [true, ""];

async function health(relay: TestRelay): Promise<[number, string]> {
  const response = await relay.fetch("http://relay/health");
  return [response.status, await response.text()];
}

const statistics = async (relay: TestRelay): Promise<unknown> => (await relay.fetch("http://relay/api/stats")).json();

test("R-02-14 R-08-05 R-08-06 MAX_STORAGE: refused when reached, still readable, and open again after a deletion", async () => {
  const relay = freshRelay({ MAX_STORAGE: "1000000" });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  expect(await health(relay)).toEqual([200, "ok"]);
  expect(await statistics(relay)).toMatchObject({ storage_full: false });
  const content = "x".repeat(90_000);
  const taken: string[] = [];
  let refused: ReturnType<typeof unique> | undefined;
  while (refused === undefined) {
    const event = unique(alice, { content: content + taken.length });
    const ok = await a.publish(event);
    if (ok[2] === true) taken.push(event.id);
    else {
      expect(ok.slice(2)).toEqual([false, expect.stringMatching(/^error: ./)]);
      refused = event;
    }
    if (taken.length > 20) throw new Error("never full");
  }
  const [status, text] = await health(relay);
  expect(status).toBe(200);
  expect(text).not.toBe("ok");
  expect(text).toMatch(/storage is full.*new events are refused/);
  expect(await statistics(relay)).toMatchObject({ storage_full: true });
  // R-02-14: no broadcast of what was refused; reading and what is not stored go on.
  await b.req("live", { kinds: [1, 20001] });
  expect(verdict(await a.publish(unique(bob)))).toEqual([false, "error"]);
  expect((await b.query({ kinds: [1] })).length).toBe(taken.length);
  expect(verdict(await a.publish(unique(alice, { kind: 20001 })))).toEqual(OK);
  expect(verdict(await a.publish(unique(alice, { kind: 5, tags: taken.slice(0, 3).map((id) => ["e", id]) })))).toEqual(
    OK,
  );
  expect(await health(relay)).toEqual([200, "ok"]);
  expect(verdict(await a.publish(refused))).toEqual(OK);
  // A request to vanish is heard as well, and frees all.
  expect(verdict(await a.publish(unique(alice, { kind: 62, tags: [["relay", "ALL_RELAYS"]] })))).toEqual(OK);
  await relay.ring();
  expect(await statistics(relay)).toMatchObject({ storage_full: false });
  expect(verdict(await b.publish(unique(bob)))).toEqual(OK);
});

const FULL = [false, "error"];
const randomId = () =>
  [...crypto.getRandomValues(new Uint8Array(32))].map((b) => b.toString(16).padStart(2, "0")).join("");
const naming = (tag: string, values: readonly string[]) => values.map((value) => [tag, value]);

/** A full relay with these events, and what fills it. */
async function fullRelay(...events: ReturnType<typeof unsigned>[]): Promise<TestRelay> {
  const relay = freshRelay({ MAX_STORAGE: "1000000" });
  const filling = Array.from({ length: 12 }, (_, i) => unsigned({ content: i + "x".repeat(90_000) }));
  await stock(relay, [...filling, ...events]);
  return relay;
}

test("R-02-14 with full storage a kind 5 gets in only if it is small for what it removes", async () => {
  const of = (pubkey: string, template: object = {}) => unsigned({ pubkey, ...template });
  const mine = Array.from({ length: 12 }, () => of(alice.pubkey));
  const foreign = of(bob.pubkey);
  const wrap = of("9".repeat(64), { kind: 1059, tags: [["p", alice.pubkey]] });
  const page = of(alice.pubkey, { kind: 30023, tags: [["d", "x"]] });
  const relay = await fullRelay(...mine, foreign, wrap, page);
  const a = await relay.login(alice);
  const stored = await storedEvents(relay);
  const deleting = async (tags: string[][], content = "") =>
    verdict(await a.publish(signed(alice, { kind: 5, tags, content })));
  const ids = mine.map(({ id }) => id);
  const [one = "", two = ""] = ids;
  // Nothing of it is here, or of its author.
  expect(await deleting([])).toEqual(FULL);
  expect(await deleting(naming("e", [randomId()]))).toEqual(FULL);
  expect(await deleting(naming("e", [foreign.id]))).toEqual(FULL);
  expect(await deleting(naming("a", [`30023:${alice.pubkey}:y`]))).toEqual(FULL);
  expect(await deleting(naming("a", [`30023:${bob.pubkey}:x`]))).toEqual(FULL);
  // It takes more than it gives.
  expect(await deleting(naming("e", [one, ...Array.from({ length: 12_000 }, randomId)]))).toEqual([false, "invalid"]);
  expect(await deleting(naming("e", [one, ...Array.from({ length: 1000 }, randomId)]))).toEqual(FULL);
  expect(await deleting(naming("e", [one, ...Array.from({ length: 20 }, randomId)]))).toEqual(FULL);
  expect(await deleting(naming("e", [one]), "x".repeat(90_000))).toEqual(FULL);
  expect(await storedEvents(relay)).toBe(stored);
  expect(await lookUp(relay, "SELECT count(*) FROM tombstone")).toBe(0);
  // What people do.
  expect(await deleting([...naming("e", [one]), ["k", "1"]], "a mistake")).toEqual(OK);
  expect(await deleting(naming("e", [two, randomId()]))).toEqual(OK);
  expect(await deleting(naming("e", ids.slice(2)))).toEqual(OK);
  expect(await deleting(naming("e", [wrap.id]))).toEqual(OK);
  expect(await deleting(naming("a", [`30023:${alice.pubkey}:x`]))).toEqual(OK);
  expect(await a.query({ ids: [...ids, wrap.id, page.id] })).toEqual([]);
});

test("R-02-14 of many that delete the same event, one gets in", async () => {
  const target = unsigned({ pubkey: alice.pubkey });
  const relay = await fullRelay(target);
  const a = await relay.login(alice);
  const requests = Array.from({ length: 20 }, () => unique(alice, { kind: 5, tags: [["e", target.id]] }));
  for (const request of requests) a.send(["EVENT", request]);
  const verdicts = [];
  for (const _ of requests) verdicts.push(verdict(await a.next()));
  expect(verdicts.filter(([accepted]) => accepted)).toEqual([OK]);
});

test("R-02-14 R-05-22 R-05-23 with full storage a request to vanish is carried out and not kept", async () => {
  const relay = await fullRelay(unsigned({ pubkey: alice.pubkey }));
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const stored = await storedEvents(relay);
  await b.req("live", { kinds: [62], limit: 0 });
  const request = unique(alice, { kind: 62, tags: [["relay", "ALL_RELAYS"]], content: "x".repeat(90_000) });
  expect(verdict(await a.publish(request))).toEqual(OK);
  expect(await b.settled()).toEqual([]);
  expect(await a.query({ authors: [alice.pubkey] })).toEqual([]);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(stored - 1);
});

/** Makes room in a full relay whose texts are alice's. */
type Room = (relay: TestRelay, texts: readonly { id: string }[]) => Promise<unknown>;

const after = (seconds: number): Room => {
  return async (relay) => {
    relay.setTime(now() + seconds);
    await relay.ring();
  };
};

test.each<[string, object, Room]>([
  ["a ban", {}, (relay) => caller(relay.fetch)("banpubkey", alice.pubkey)],
  ["an expiry", { tags: [["expiration", String(now() + 600)]] }, after(700)],
  ["a retention", { kind: 5050, created_at: now() - 80_000 }, after(10_000)],
  [
    "a ban of each event",
    {},
    async (relay, texts) => {
      for (const { id } of texts) await caller(relay.fetch)("banevent", id);
    },
  ],
])("R-02-14 a full relay takes events again once there is room: %s", async (_, template, makeRoom) => {
  const relay = freshRelay({ MAX_STORAGE: "1000000", ADMIN_PUBKEYS: admin.pubkey });
  const texts = Array.from({ length: 12 }, (_, i) =>
    unsigned({ pubkey: alice.pubkey, content: i + "x".repeat(90_000), ...template }),
  );
  await stock(relay, texts);
  const b = await relay.login(bob);
  expect(verdict(await b.publish(unique(bob)))).toEqual(FULL);
  await makeRoom(relay, texts);
  await expect.poll(async () => verdict(await b.publish(unique(bob))), { timeout: 10_000 }).toEqual(OK);
});
