import { afterEach, expect, test, vi } from "vitest";
import { alice, bob, key, now, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";
import { countOf, inStore, lookUp, putAll, setClock, storedEvents, unsigned, verdict } from "../../support/stock.ts";

afterEach(() => void vi.useRealTimers());

const DAY = 86_400;
/** What kinds about jobs need besides (R-07-05). */
const ABOUT = [
  ["e", "e".repeat(64)],
  ["p", bob.pubkey],
  ["status", "processing"],
  ["d", "x"],
  ["k", "5050"],
];
/** On a half-hour, ahead of the runtime's own clock. */
const T0 = 1_800_000_000;
const KINDS = [5000, 5050, 5128, 5999, 6050, 6128, 6999, 7000, 7001, 7374, 31990, 1];

test("T-136 R-07-01 R-07-02 R-07-03 jobs go after a day, results after a week, the rest never", async () => {
  const relay = freshRelay();
  setClock(T0);
  let a = await relay.login(alice);
  const events = KINDS.map((kind) => unique(alice, { kind, tags: [["t", "x"], ...ABOUT] }));
  for (const event of events) expect(verdict(await a.publish(event))).toEqual([true, ""]);
  const expectKinds = async (gone: number[]): Promise<void> => {
    const left = KINDS.filter((kind) => !gone.includes(kind)).sort();
    for (const filter of [{}, { "#t": ["x"] }, { authors: [alice.pubkey] }, { ids: events.map(({ id }) => id) }]) {
      expect((await a.query(filter)).map(({ kind }) => kind as number).sort()).toEqual(left);
      expect(await countOf(a, filter)).toBe(left.length);
    }
    for (const kind of KINDS) expect(await countOf(a, { kinds: [kind] })).toBe(gone.includes(kind) ? 0 : 1);
  };
  const jobs = [5000, 5050, 5999, 7000];
  setClock(T0 + DAY - 1);
  await expectKinds([]);
  setClock(T0 + DAY);
  await expectKinds(jobs);
  expect(await storedEvents(relay)).toBe(KINDS.length);
  // Physical removal at the latest an hour later.
  expect(await relay.due()).toBeLessThanOrEqual(T0 + DAY + 3600);
  setClock(T0 + DAY + 1800);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(KINDS.length - 4);
  await expectKinds(jobs);
  setClock(T0 + 7 * DAY);
  // AUTH of this very moment: the old connection has none of its age.
  await relay.restart();
  a = await relay.login(alice);
  await expectKinds([...jobs, 6050, 6999]);
  setClock(T0 + 7 * DAY + 1800);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(KINDS.length - 6);
  expect(
    await lookUp(
      relay,
      "SELECT count(*) FROM tag WHERE kind BETWEEN 5000 AND 7000 AND key = (SELECT max(key) FROM tag)",
    ),
  ).toBe(2);
  setClock(T0 + 4000 * DAY);
  await relay.ring();
  await expectKinds([...jobs, 6050, 6999]);
  expect(await relay.due()).toBe(undefined);
});

test("R-07-01 R-07-02 what has a kind of jobs and is no job is kept for ever, beside jobs that go", async () => {
  const relay = freshRelay();
  setClock(T0);
  let a = await relay.login(alice);
  const poll = (created_at: number) =>
    unique(alice, {
      kind: 6969,
      created_at,
      content: "Which one?",
      tags: [
        ["p", alice.pubkey],
        ["poll_option", "0", "yes"],
      ],
    });
  const others = [
    poll(T0 - 8 * DAY),
    poll(T0),
    unique(alice, { kind: 6666, created_at: 1, tags: [["r", "wss://x"]] }),
    unique(alice, { kind: 5050, created_at: T0 - 2 * DAY, tags: [["title", "x"]] }),
    unique(alice, { kind: 7000, created_at: T0, tags: [["title", "x"]] }),
  ];
  const jobs = [6969, 6666, 5050, 7000].map((kind) => unique(alice, { kind, created_at: T0 + 1, tags: ABOUT }));
  for (const event of [...others, ...jobs]) expect(verdict(await a.publish(event))).toEqual([true, ""]);
  const dvm = async () => ((await (await relay.fetch("http://relay/api/stats")).json()) as { dvm: unknown }).dvm;
  const counted = { requests: 1, requests_by_kind: { 5050: 1 }, results: 2, feedback: 1 };
  expect(await dvm()).toMatchObject(counted);
  const ids = (events: readonly { id: string }[]) => events.map(({ id }) => id).sort();
  const expectLeft = async (left: { id: string; kind: number }[]): Promise<void> => {
    const kinds = [5050, 6666, 6969, 7000];
    for (const filter of [{}, { kinds }, { authors: [alice.pubkey] }, { ids: ids([...left, ...jobs]) }]) {
      expect(ids(await a.query(filter))).toEqual(ids(left));
      expect(await countOf(a, filter)).toBe(left.length);
      const [, , hex] = await a.ask(["NEG-OPEN", "sync", filter, "6100000200"]);
      a.send(["NEG-CLOSE", "sync"]);
      for (const { id } of [...others, ...jobs]) {
        expect(String(hex).includes(id)).toBe(left.some((event) => event.id === id));
      }
    }
    for (const kind of kinds) {
      const ofKind = left.filter((event) => event.kind === kind);
      expect(await countOf(a, { kinds: [kind] })).toBe(ofKind.length);
      expect(ids(await a.query({ kinds: [kind], limit: ofKind.length }))).toEqual(ids(ofKind));
    }
    expect((await a.query({ search: "which" })).length).toBe(2);
  };
  await expectLeft([...others, ...jobs]);
  setClock(T0 + 1 + 7 * DAY);
  await expectLeft(others);
  // A day is counted (R-07-17).
  const nothing = { requests: 0, requests_by_kind: {}, results: 0, feedback: 0 };
  expect(await dvm()).toMatchObject(nothing);
  await relay.restart();
  a = await relay.login(alice);
  await expectLeft(others);
  setClock(T0 + 7 * DAY + 3600);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(others.length);
  expect(await dvm()).toMatchObject(nothing);
  expect(await relay.due()).toBe(undefined);
  await relay.restart();
  a = await relay.login(alice);
  await expectLeft(others);
  expect(await relay.due()).toBe(undefined);
  // Another job of a kind that has been looked through goes, too.
  const late = unique(alice, { kind: 6969, created_at: T0 + 7 * DAY, tags: ABOUT });
  expect(verdict(await a.publish(late))).toEqual([true, ""]);
  await expectLeft([...others, late]);
  setClock(T0 + 14 * DAY + 1800);
  await relay.ring();
  await expectLeft(others);
  expect(await storedEvents(relay)).toBe(others.length);
  expect(await relay.due()).toBe(undefined);
});

test("R-07-01 a job that comes while the relay keeps results longer goes, although others of its age were looked at", async () => {
  const relay = freshRelay();
  setClock(T0);
  const a = await relay.login(alice);
  await a.publish(unique(alice, { kind: 6969, created_at: T0 - 8 * DAY, tags: [["poll_option", "0", "yes"]] }));
  await relay.ring();
  await relay.restart({ RETENTION_RESULT: `${30 * DAY}` });
  const again = await relay.login(alice);
  const job = unique(alice, { kind: 6969, created_at: T0 - 20 * DAY, tags: ABOUT });
  expect(verdict(await again.publish(job))).toEqual([true, ""]);
  await relay.restart({ RETENTION_RESULT: `${30 * DAY}` });
  setClock(T0 + 11 * DAY);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(1);
});

test.each([
  [5050, DAY],
  [7000, DAY],
  [6050, 7 * DAY],
])("R-07-01 kind %i that comes when its time is over is invalid", async (kind, seconds) => {
  const a = await freshRelay().login(alice);
  setClock(T0);
  const ok = await a.publish(unique(alice, { kind, created_at: T0 - seconds, tags: ABOUT }));
  expect(ok.slice(2)).toEqual([false, expect.stringMatching(/^invalid: .*retention/)]);
  expect(verdict(await a.publish(unique(alice, { kind, created_at: T0 - seconds + 1, tags: ABOUT })))).toEqual([
    true,
    "",
  ]);
  expect(verdict(await a.publish(unique(alice, { kind: 5128, created_at: 1 })))).toEqual([true, ""]);
});

test("R-07-01 what is past its time and not removed yet is no duplicate but refused", async () => {
  const a = await freshRelay().login(alice);
  setClock(T0);
  const event = unique(alice, { kind: 5050, created_at: T0 - DAY + 2, tags: ABOUT });
  expect(verdict(await a.publish(event))).toEqual([true, ""]);
  expect(verdict(await a.publish(event))).toEqual([true, "duplicate"]);
  setClock(T0 + 3);
  expect((await a.publish(event)).slice(2)).toEqual([false, expect.stringMatching(/^invalid: .*retention/)]);
});

test("R-07-01 an expiration shortens, and does not lengthen", async () => {
  const a = await freshRelay().login(alice);
  setClock(T0);
  const at = (seconds: number) => [["expiration", `${T0 + seconds}`]];
  const [short, long] = [unique(alice, { kind: 5050, tags: at(60) }), unique(alice, { kind: 5050, tags: at(9 * DAY) })];
  for (const event of [short, long]) await a.publish(event);
  setClock(T0 + 60);
  expect(await a.query({ kinds: [5050] })).toEqual([long]);
  setClock(T0 + DAY);
  expect(await a.query({ kinds: [5050] })).toEqual([]);
});

test("R-07-01 RETENTION of the operator: its rules come first, 0 keeps for ever", async () => {
  const relay = freshRelay({ RETENTION: "1:60,5050:0", RETENTION_JOB: "120" });
  setClock(T0);
  const a = await relay.login(alice);
  for (const kind of [1, 5050, 5051, 9]) await a.publish(unique(alice, { kind }));
  setClock(T0 + 60);
  expect((await a.query({})).map(({ kind }) => kind).sort()).toEqual([5050, 5051, 9].sort());
  setClock(T0 + 120);
  expect((await a.query({})).map(({ kind }) => kind).sort()).toEqual([5050, 9].sort());
  await relay.ring();
  expect(await countOf(a, {})).toBe(2);
});

test("R-08-04 the NIP-11 document says what is kept how long", async () => {
  const response = await freshRelay().fetch("/", {
    headers: { Accept: "application/nostr+json" },
  });
  expect(await response.json()).toMatchObject({
    retention: [
      {
        kinds: [
          [5000, 5127],
          [5129, 5999],
          [7000, 7000],
        ],
        time: 86_400,
      },
      {
        kinds: [
          [6000, 6127],
          [6129, 6999],
        ],
        time: 604_800,
      },
    ],
  });
});

test("R-06-17 a job that fails is tried again after a minute, not at once, and the others run", async () => {
  const relay = freshRelay();
  await inStore(relay, (store, sql) => {
    const old = unsigned({ kind: 5050, created_at: T0 - DAY });
    putAll(store, [unsigned({ tags: [["expiration", `${T0 - 1000}`]] }), old]);
    sql.all("CREATE TRIGGER broken BEFORE DELETE ON event WHEN old.kind = 1 BEGIN SELECT raise(ABORT, 'broken'); END");
  });
  setClock(T0);
  const a = await relay.login(key(5));
  await relay.ring();
  expect(await storedEvents(relay)).toBe(1);
  expect(await relay.due()).toBe(now() + 60);
  expect(await countOf(a, {})).toBe(0);
  await inStore(relay, (_store, sql) => void sql.all("DROP TRIGGER broken"));
  setClock(T0 + 60);
  await relay.ring();
  expect(await storedEvents(relay)).toBe(0);
});
