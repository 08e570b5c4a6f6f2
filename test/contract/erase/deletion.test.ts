import type { Event } from "nostr-tools/pure";
import { afterEach, expect, test, vi } from "vitest";
import { alice, bob, carol, now, signed, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";
import { countOf, lookUp, setClock, verdict } from "../../support/stock.ts";

afterEach(() => void vi.useRealTimers());

const AT = now() - 1000;
const OK = [true, ""];
const BLOCKED = [false, "blocked"];

const deletion = (by: typeof alice, tags: string[][], created_at = now()) => unique(by, { kind: 5, created_at, tags });

test("T-109 R-05-01 R-05-02 R-05-06 R-05-10 the author deletes: gone at once, the kind 5 is served, resubmission blocked", async () => {
  const relay = freshRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const target = unique(alice, { tags: [["t", "x"]] });
  const later = unique(alice, { created_at: now() + 600 });
  const kept = unique(alice);
  for (const event of [target, later, kept]) expect(verdict(await a.publish(event))).toEqual(OK);
  await b.req("live", { kinds: [5] });
  const request = deletion(alice, [
    ["e", target.id],
    ["e", later.id],
    ["k", "1"],
  ]);
  expect(verdict(await a.publish(request))).toEqual(OK);
  expect(await b.next()).toEqual(["EVENT", "live", request]);
  expect(await b.query({ ids: [target.id] }, { "#t": ["x"] }, { kinds: [1] })).toEqual([kept]);
  expect(await countOf(b, { kinds: [1] })).toBe(1);
  expect(await b.query({ kinds: [5] })).toEqual([request]);
  for (const event of [target, later]) expect(verdict(await b.publish(event))).toEqual(BLOCKED);
  expect(verdict(await a.publish(kept))).toEqual([true, "duplicate"]);
  // R-03-27: nobody is told but by the kind 5.
  expect(await b.settled()).toEqual([]);
});

test("T-110 R-05-05 others' events stay, and the kind 5 is accepted", async () => {
  const relay = freshRelay();
  const b = await relay.login(bob);
  const [note, article] = [unique(alice), unique(alice, { kind: 30023, created_at: AT, tags: [["d", "x"]] })];
  for (const event of [note, article]) await b.publish(event);
  const request = deletion(bob, [
    ["e", note.id],
    ["e", article.id],
    ["a", `30023:${alice.pubkey}:x`],
  ]);
  expect(verdict(await b.publish(request))).toEqual(OK);
  expect(await b.query({ kinds: [1, 30023] })).toEqual([note, article]);
  const newer = signed(alice, { kind: 30023, created_at: AT + 1, tags: [["d", "x"]] });
  expect(verdict(await b.publish(newer))).toEqual(OK);
});

test("T-111 R-05-06 the deletion comes first: blocked for its author, accepted from anybody else", async () => {
  const a = await freshRelay().login(alice);
  const [own, foreign] = [unique(alice), unique(bob)];
  expect(
    verdict(
      await a.publish(
        deletion(alice, [
          ["e", own.id],
          ["e", foreign.id],
        ]),
      ),
    ),
  ).toEqual(OK);
  expect(verdict(await a.publish(own))).toEqual(BLOCKED);
  expect(verdict(await a.publish(foreign))).toEqual(OK);
  expect(await a.query({ kinds: [1] })).toEqual([foreign]);
});

test("R-02-12 what its author has deleted is blocked before its kind is looked at, waiting for answers or not", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const job = () => unique(alice, { kind: 7000, tags: [["status", "processing"]] });
  const [first, second, other] = [job(), job(), job()];
  const tags = (event: Event) => [["e", event.id]];
  expect(verdict(await a.publish(deletion(alice, tags(first))))).toEqual(OK);
  expect(verdict(await a.publish(first))).toEqual(BLOCKED);
  const batch = [deletion(alice, tags(second)), second, other];
  for (const event of batch) a.send(["EVENT", event]);
  const answers = [await a.next(), await a.next(), await a.next()];
  expect(answers.map(verdict)).toEqual([OK, BLOCKED, [false, "invalid"]]);
});

test("R-05-06 two deleters of one id: each counts for its own", async () => {
  const a = await freshRelay().login(alice);
  const target = unique(carol);
  for (const by of [alice, bob, carol]) await a.publish(deletion(by, [["e", target.id]]));
  expect(verdict(await a.publish(target))).toEqual(BLOCKED);
});

test("R-05-03 R-05-06 a gift wrap is deleted by its recipient, before or after it comes, and by no one else", async () => {
  const relay = freshRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const wrap = () => unique(carol, { kind: 1059, tags: [["p", bob.pubkey]] });
  const [first, second, third] = [wrap(), wrap(), wrap()];
  await a.publish(first);
  await a.publish(
    deletion(alice, [
      ["e", first.id],
      ["e", second.id],
    ]),
  );
  expect(verdict(await a.publish(second))).toEqual(OK);
  expect(await countOf(b, { kinds: [1059], "#p": [bob.pubkey] })).toBe(2);
  await b.publish(
    deletion(bob, [
      ["e", first.id],
      ["e", third.id],
    ]),
  );
  expect(await b.query({ kinds: [1059] })).toEqual([second]);
  for (const event of [first, third]) expect(verdict(await a.publish(event))).toEqual(BLOCKED);
  // Only gift wraps: the recipient of a kind 4 does not delete it.
  const message = unique(carol, { kind: 4, tags: [["p", bob.pubkey]] });
  await a.publish(message);
  await b.publish(deletion(bob, [["e", message.id]]));
  expect(await b.query({ kinds: [4] })).toEqual([message]);
});

test("T-112 R-05-04 R-05-07 an address: versions up to the time go and stay away, newer ones stay and come", async () => {
  const a = await freshRelay().login(alice);
  const version = (d: string, created_at: number) => unique(alice, { kind: 30023, created_at, tags: [["d", d]] });
  const [x, y] = [version("x", AT), version("y", AT + 11)];
  for (const event of [x, y]) await a.publish(event);
  const address = (d: string) => ["a", `30023:${alice.pubkey}:${d}`];
  await a.publish(deletion(alice, [address("x"), address("y"), address("z")], AT + 10));
  expect(await a.query({ kinds: [30023] })).toEqual([y]);
  for (const d of ["x", "z"]) {
    expect(verdict(await a.publish(version(d, AT + 10)))).toEqual(BLOCKED);
    expect(verdict(await a.publish(version(d, AT + 11)))).toEqual(OK);
  }
  // The largest time counts, in whatever order they come.
  await a.publish(deletion(alice, [address("x")], AT + 30));
  await a.publish(deletion(alice, [address("x")], AT + 20));
  expect(verdict(await a.publish(version("x", AT + 25)))).toEqual(BLOCKED);
  expect(verdict(await a.publish(version("x", AT + 31)))).toEqual(OK);
});

test("T-113 R-05-04 a trailing colon names a profile, and d may hold colons", async () => {
  const a = await freshRelay().login(alice);
  const profile = signed(alice, { kind: 0, created_at: AT });
  const listed = unique(alice, { kind: 30000, created_at: AT, tags: [["d", "a:b::\nc"]] });
  const near = unique(alice, { kind: 30000, created_at: AT, tags: [["d", "a:b:"]] });
  for (const event of [profile, listed, near]) await a.publish(event);
  const addresses = [`0:${alice.pubkey}:`, `30000:${alice.pubkey}:a:b::\nc`];
  await a.publish(
    deletion(
      alice,
      addresses.map((address) => ["a", address]),
    ),
  );
  expect(await a.query({ kinds: [0, 30000] })).toEqual([near]);
  expect(verdict(await a.publish(profile))).toEqual(BLOCKED);
  expect(verdict(await a.publish(listed))).toEqual(BLOCKED);
});

test.each([0, 3, 10002])("R-05-04 the address of kind %i is named without the colon at its end, too", async (kind) => {
  const a = await freshRelay().login(alice);
  const [current, newer] = [signed(alice, { kind, created_at: AT }), signed(alice, { kind, created_at: AT + 20 })];
  const article = unique(alice, { kind: 30023, created_at: AT });
  const other = signed(bob, { kind, created_at: AT });
  for (const event of [current, article, other]) await a.publish(event);
  const tags = [
    ["a", `${kind}:${alice.pubkey}`],
    ["a", `${kind}:${alice.pubkey}:`],
    ["a", `${kind}:${bob.pubkey}`],
    ["a", `30023:${alice.pubkey}`],
  ];
  expect(verdict(await a.publish(deletion(alice, tags, AT + 10)))).toEqual(OK);
  expect((await a.query({ kinds: [kind, 30023] })).map(({ id }) => id).sort()).toEqual([article.id, other.id].sort());
  expect(verdict(await a.publish(current))).toEqual(BLOCKED);
  expect(verdict(await a.publish(newer))).toEqual(OK);
});

test("R-05-09 a deletion that names an id or a key in capitals is refused with the reason, and has no effect", async () => {
  const a = await freshRelay().login(alice);
  const target = unique(alice, { created_at: AT });
  const article = unique(alice, { kind: 30023, created_at: AT, tags: [["d", "ABC"]] });
  for (const event of [target, article]) await a.publish(event);
  const plain = ["e", target.id];
  for (const tag of [
    ["e", target.id.toUpperCase()],
    ["p", alice.pubkey.toUpperCase()],
    ["a", `30023:${alice.pubkey.toUpperCase()}:ABC`],
    ["a", `0:${alice.pubkey.toUpperCase()}`],
  ]) {
    const ok = await a.publish(deletion(alice, [plain, tag]));
    expect(ok.slice(2)).toEqual([false, expect.stringMatching(new RegExp(`^invalid: .* ${tag[0]} tag .* lower-case`))]);
  }
  expect(await countOf(a, { kinds: [1, 5, 30023] })).toBe(2);
  // A d may have capitals, and other events may name what they like.
  expect(verdict(await a.publish(deletion(alice, [["a", `30023:${alice.pubkey}:ABC`]])))).toEqual(OK);
  expect(verdict(await a.publish(unique(alice, { tags: [["e", target.id.toUpperCase()]] })))).toEqual(OK);
  expect(await a.query({ kinds: [30023] })).toEqual([]);
});

test("T-114 R-05-02 R-05-23 neither a kind 5 nor a kind 62 is deleted", async () => {
  const a = await freshRelay().login(alice);
  const target = unique(alice, { created_at: AT });
  await a.publish(target);
  const first = deletion(alice, [["e", target.id]], AT + 1);
  await a.publish(first);
  const vanish = unique(alice, { kind: 62, created_at: AT, tags: [["relay", "ALL_RELAYS"]] });
  await a.publish(vanish);
  const second = deletion(
    alice,
    [
      ["e", first.id],
      ["e", vanish.id],
    ],
    AT + 2,
  );
  await a.publish(second);
  expect(await a.query({ kinds: [5] })).toEqual([second, first]);
  expect(await a.query({ kinds: [62] })).toEqual([vanish]);
  expect(verdict(await a.publish(target))).toEqual(BLOCKED);
  // Nor does a tombstone keep one from coming.
  const coming = deletion(alice, [["e", "f".repeat(64)]], AT + 3);
  await a.publish(deletion(alice, [["e", coming.id]], AT + 4));
  expect(verdict(await a.publish(coming))).toEqual(OK);
});

test("R-05-09 R-05-12 malformed references are skipped, k changes nothing, no reference does nothing", async () => {
  const a = await freshRelay().login(alice);
  const [target, note] = [unique(alice), unique(alice)];
  for (const event of [target, note]) await a.publish(event);
  const nothing = deletion(alice, []);
  expect(verdict(await a.publish(nothing))).toEqual(OK);
  const odd = [
    ["e"],
    ["e", ""],
    ["e", "x".repeat(64)],
    ["e", target.id.slice(1)],
    ["a"],
    ["a", "30023"],
    ["a", `1:${alice.pubkey}:`],
    ["a", `x:${alice.pubkey}:`],
    ["a", `0:${alice.pubkey.slice(1)}:`],
    ["k", "9"],
    ["E", note.id],
    [],
  ];
  expect(verdict(await a.publish(deletion(alice, odd)))).toEqual(OK);
  expect(await countOf(a, { kinds: [1] })).toBe(2);
  expect(verdict(await a.publish(deletion(alice, [...odd, ["e", target.id, "wss://x"]])))).toEqual(OK);
  expect(await a.query({ kinds: [1] })).toEqual([note]);
});

test("R-05-02 R-05-04 an event of an address may be deleted by its id; an older version may not come back", async () => {
  const a = await freshRelay().login(alice);
  const [older, newer] = [0, 1].map((step) => unique(alice, { kind: 0, created_at: AT + step }));
  await a.publish(newer);
  await a.publish(deletion(alice, [["e", newer.id]]));
  expect(await a.query({ kinds: [0] })).toEqual([]);
  expect(verdict(await a.publish(newer))).toEqual(BLOCKED);
  expect(verdict(await a.publish(older))).toEqual(OK);
});

test("R-05-08 tombstones outlive restart, replacement, and the expiry of the kind 5", async () => {
  const relay = freshRelay();
  let a = await relay.login(alice);
  const target = unique(alice);
  const article = unique(alice, { kind: 30023, created_at: AT, tags: [["d", "x"]] });
  await a.publish(target);
  const request = unique(alice, {
    kind: 5,
    tags: [
      ["e", target.id],
      ["a", `30023:${alice.pubkey}:x`],
      ["expiration", `${now() + 30}`],
    ],
    created_at: AT + 5,
  });
  await a.publish(request);
  const newer = unique(alice, { kind: 30023, created_at: AT + 6, tags: [["d", "x"]] });
  expect(verdict(await a.publish(newer))).toEqual(OK);
  await a.publish(deletion(alice, [["e", newer.id]]));
  expect(await a.query({ ids: [request.id] })).toEqual([request]);
  const removed = now() + 120;
  setClock(removed);
  expect(await a.query({ ids: [request.id] })).toEqual([]);
  await relay.ring();
  expect(await lookUp(relay, "SELECT count(*) FROM event WHERE expiration IS NOT NULL")).toBe(0);
  await relay.restart();
  a = await relay.login(alice);
  for (const event of [target, article, newer]) expect(verdict(await a.publish(event))).toEqual(BLOCKED);
});

test("R-05-10 a batch: target and deletion, in either order, in one commit", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const [before, after] = [unique(alice), unique(alice)];
  const request = deletion(alice, [
    ["e", before.id],
    ["e", after.id],
  ]);
  for (const event of [before, request, after]) a.send(["EVENT", event]);
  const oks = [await a.next(), await a.next(), await a.next()];
  expect(oks.map(verdict)).toEqual([OK, OK, BLOCKED]);
  expect(await a.query({})).toEqual([request]);
  expect(await lookUp(relay, "SELECT count(*) FROM tag WHERE kind = 1")).toBe(0);
});

test("R-05-11 replies to a deleted event stay", async () => {
  const a = await freshRelay().login(alice);
  const job = unique(alice, { kind: 5050 });
  const reply = unique(bob, {
    kind: 6050,
    tags: [
      ["e", job.id],
      ["p", alice.pubkey],
    ],
  });
  for (const event of [job, reply]) await a.publish(event);
  await a.publish(deletion(alice, [["e", job.id]]));
  expect(await a.query({ kinds: [5050, 6050] })).toEqual([reply]);
});
