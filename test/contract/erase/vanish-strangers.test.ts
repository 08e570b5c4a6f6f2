import { expect, test } from "vitest";
import { alice, bob, carol, key, now, unique } from "../../support/keys.ts";
import { memberRelay } from "../../support/member-relay.ts";
import { freshRelay } from "../../support/relay.ts";
import { lookUp, setClock, storedEvents, verdict } from "../../support/stock.ts";

// Requests to vanish of those who may not write: what they ask for is done, and nothing else.

const AT = now() - 1000;
const OK = [true, ""];
/** One in so many seconds. */
const SLOW = 0.001;

const vanishing = (by: typeof alice, template: object = {}) =>
  unique(by, { kind: 62, created_at: AT, tags: [["relay", "ALL_RELAYS"]], ...template });

const MEMBERS_ONLY = { READ_ACCESS: "members", WRITE_ACCESS: "members", LIMIT_EVENT: `connection:${SLOW}/1` };

test("R-05-22 R-05-23 from who may not write a request to vanish is carried out, not stored and not sent on", async () => {
  const relay = memberRelay(MEMBERS_ONLY);
  await relay.admit(alice);
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const [mine, ofBob] = [unique(alice, { created_at: AT }), unique(bob, { created_at: AT })];
  expect(verdict(await a.publish(ofBob))).toEqual(OK);
  await a.req("live", { kinds: [62], limit: 0 });
  const request = vanishing(bob);
  expect(verdict(await b.publish(request))).toEqual(OK);
  expect(await a.settled()).toEqual([]);
  expect(await a.query({ authors: [bob.pubkey] })).toEqual([]);
  await relay.ring();
  expect(await lookUp(relay, "SELECT count(*) FROM event WHERE kind IN (1, 62)")).toBe(0);
  // The cut-off holds for everybody, and asking again tells nothing.
  expect(verdict(await (await relay.login(alice)).publish(ofBob))).toEqual([false, "blocked"]);
  expect(verdict(await b.publish(request))).toEqual(OK);
  expect(verdict(await b.publish(mine))).toEqual([false, "rate-limited"]);
});

test("R-05-22 of a flood of them from fresh keys ten are heard, and nothing is left to do", async () => {
  const relay = memberRelay(MEMBERS_ONLY);
  await relay.admit(alice);
  const [b, c] = [await relay.login(bob), await relay.connect({ from: "192.0.2.7" })];
  await c.auth(carol);
  // The relay has published its list of members by then.
  await b.settled();
  const before = await storedEvents(relay);
  const requests = Array.from({ length: 20 }, (_, i) => vanishing(key(3000 + i), { content: "x".repeat(80_000) }));
  const verdicts: unknown[] = [];
  for (const request of requests) verdicts.push(verdict(await b.publish(request)));
  expect(verdicts).toEqual(requests.map((_, i) => (i < 10 ? OK : [false, "rate-limited"])));
  // What is known is no request: it may come as often as anybody likes.
  const known = vanishing(key(3000), { created_at: AT - 1 });
  for (let i = 0; i < 20; i++) expect(verdict(await b.publish(known))).toEqual(OK);
  // Others are heard, and who may write is not held up.
  expect(verdict(await c.publish(requests.at(-1) ?? known))).toEqual(OK);
  expect(verdict(await (await relay.login(alice)).publish(vanishing(key(3100))))).toEqual(OK);
  expect(await storedEvents(relay)).toBe(before + 1);
  expect(await lookUp(relay, "SELECT count(*) FROM vanished")).toBe(12);
  expect(await lookUp(relay, "SELECT count(*) FROM vanished WHERE pending = 1")).toBe(0);
  const size = await relay.database((sql) => sql.size());
  expect(size).toBeLessThan(500_000);
});

test("R-05-20 a request of whom nothing else is stored leaves nothing to erase and sets no alarm", async () => {
  const relay = freshRelay();
  setClock(now() + 86_400);
  const a = await relay.login(alice);
  expect(verdict(await a.publish(vanishing(alice)))).toEqual(OK);
  expect(await lookUp(relay, "SELECT count(*) FROM vanished WHERE pending = 1")).toBe(0);
  expect(await relay.due()).toBe(undefined);
  // Anything else that is stored of the key, or wrapped for it, is.
  expect(verdict(await a.publish(unique(bob, { kind: 1059, created_at: AT, tags: [["p", bob.pubkey]] })))).toEqual(OK);
  expect(verdict(await a.publish(vanishing(bob)))).toEqual(OK);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(2);
});
