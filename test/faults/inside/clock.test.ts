import type { Event } from "nostr-tools/pure";
import { afterEach, expect, test } from "vitest";
import { inspectedRelay } from "../../cloudflare/inspect.ts";
import { alice, bob, now, signed, unique } from "../../support/keys.ts";
import { Random } from "../../support/random.ts";
import { check } from "../checker.ts";
import { Ledger } from "../ledger.ts";
import { Load } from "../load.ts";
import { Rounds } from "../rounds.ts";
import { FIRST_SEED, placeOf, ROUNDS } from "./place.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
/** How wrong the clock may go, in seconds. */
const OFFSETS = [0, 61, -61, HOUR, -HOUR, 2 * DAY, -2 * DAY];
const JUMPS = 5;

/** The clock of the relay, and of its clients, is off by so much. Alarms ring by the true one. */
let offset = 0;
let latest = 0;
const realNow = Date.now;
Date.now = () => realNow() + offset * 1000;

function setOffset(seconds: number): void {
  offset = seconds;
  latest = Math.max(latest, now());
}

afterEach(() => setOffset(0));

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Jobs and feedback are kept a day, results a week (R-07-01). */
function mayBeGone({ kind, created_at }: Event): boolean {
  if (kind === 5050 || kind === 7000) return created_at + DAY <= latest + 60;
  return kind === 6050 && created_at + 7 * DAY <= latest + 60;
}

test(
  `F-5 the clock jumps under mixed load, ${ROUNDS} rounds from seed ${FIRST_SEED}`,
  async () => {
    const rounds = new Rounds("clock");
    for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
      const random = new Random(seed);
      const relay = inspectedRelay();
      const place = placeOf(relay);
      const ledger = new Ledger();
      const load = new Load(place, ledger, random, `clock ${seed}`);
      setOffset(0);
      await load.connect(3, 2);
      load.start();
      for (let jump = 0; jump < JUMPS; jump++) {
        await sleep(random.int(50, 150));
        setOffset(random.pick(OFFSETS));
      }
      await sleep(100);
      await load.stop();
      const parties = [...load.publishers, ...load.subscribers];
      expect(parties.filter(({ isClosed }) => isClosed)).toEqual([]);
      rounds.take(seed, await check(place, ledger, parties, mayBeGone));
      await relay.evict();
      const { problems } = await check(place, ledger, parties, mayBeGone);
      expect(problems.slice(0, 10), `seed ${seed}, after an eviction`).toEqual([]);
      load.leave();
    }
    rounds.print();
    expect(rounds.acknowledged).toBeGreaterThan(ROUNDS * 30);
  },
  ROUNDS * 40_000 + 30_000,
);

test.each(OFFSETS)(
  "R-06-30 R-05-15 R-07-01 login, expiry and retention go by the clock as it is, %i s off",
  async (off) => {
    const relay = inspectedRelay();
    const a = await relay.login(alice);
    setOffset(off);
    for (const [age, isRight] of [
      [595, true],
      [-595, true],
      [605, false],
      [-605, false],
    ] as const) {
      const stranger = await relay.connect();
      const tags = [
        ["relay", "wss://nexus.openagents.com"],
        ["challenge", stranger.challenge],
      ];
      const ok = await stranger.ask(["AUTH", signed(bob, { kind: 22242, created_at: now() - age, tags })]);
      expect([age, ok[2]]).toEqual([age, isRight]);
      stranger.close();
    }
    const brief = unique(alice, { tags: [["expiration", String(now() + 300)]] });
    const job = unique(alice, { kind: 5050 });
    const note = unique(alice);
    for (const event of [brief, job, note]) expect((await a.publish(event))[2]).toBe(true);
    const shown = async () => (await a.query({ ids: [brief.id, job.id, note.id] })).map(({ id }) => id).sort();
    expect(await shown()).toEqual([brief.id, job.id, note.id].sort());
    setOffset(off + 301);
    expect(await shown()).toEqual([job.id, note.id].sort());
    setOffset(off + DAY + 1);
    expect(await shown()).toEqual([note.id]);
  },
);
