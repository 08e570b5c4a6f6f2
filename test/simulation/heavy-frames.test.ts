import { expect, test } from "vitest";
import { sampleEvents } from "../../bench/sample.ts";
import { type Attack, type Attacker, fresh } from "../load/attacks/attack.ts";
import { HEAVY_EVENTS } from "../load/attacks/heavy-events.ts";
import { HEAVY_READS } from "../load/attacks/heavy-reads.ts";
import { hostileText, ownEvent, TAGGED, tagsOf } from "../load/attacks/stocks.ts";
import type { Frame } from "../support/client.ts";
import { unsigned } from "../support/events.ts";
import { alice, type Key } from "../support/keys.ts";
import { Bench, type Peer } from "./bench.ts";
import { signFast } from "./machine/crypto.ts";

// The heaviest frame of each verb that the limits admit, from the tables of `npm run test:load`: what the relay charges for
// each, and how much of it is done before others have their turn.

/** Units of the longest run. What cannot be divided is parsing half a megabyte, and keeping the 65,000 values that are in it. */
const MOST = 45_000;

/** Frames of one attack: the second finds what the first has left. */
const FRAMES = 2;

/** Units of a frame from which on it comes once: what takes so long is reading, which leaves nothing. */
const LONG = 100_000;

/** Units of a frame after which it is left alone: its runs are alike. */
const ENOUGH = 1_500_000;

const STOCKS: Readonly<Record<string, () => object[]>> = {
  // A step that went through all of them would be ten times too long, and 20,000 show no more.
  notes: () => sampleEvents(5_000),
  tagged: () => list(TAGGED, (i) => unsigned({ tags: tagsOf(i), created_at: 1_700_000_000 + i })),
  own: () => list(20_000, ownEvent),
  texts: () => list(40, (i) => unsigned({ content: hostileText(i), created_at: 1_700_000_000 + i })),
};

/** Those that need nothing but frames. */
const ATTACKS = [...HEAVY_EVENTS, ...HEAVY_READS].filter(
  ({ stock = "none", instead, variables }) =>
    instead === undefined && variables === undefined && (stock === "none" || stock in STOCKS),
);

function list<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** What the tables know of an attacker, on a simulated relay. */
function attackerOf(bench: Bench, peer: Peer, key: Key): Attacker {
  const event: Attacker["event"] = (draft = {}) =>
    signFast(key, { kind: 1, created_at: bench.time.nowSeconds(), tags: [], content: `${fresh()}`, ...draft });
  const by = {
    url: "ws://localhost",
    signer: key,
    challenge: peer.connection.challenge,
    event,
    eventFrame: (draft: object) => JSON.stringify(["EVENT", event(draft)]),
    authFrame: (more: string[][] = [], content = "") => {
      const [verb, auth] = peer.authOf(key) as [string, { tags: string[][] }];
      return JSON.stringify([verb, event({ kind: 22242, tags: [...auth.tags, ...more], content })]);
    },
    ask: async (frame: string): Promise<Frame> => peer.ask(JSON.parse(frame)).at(-1) ?? [""],
  };
  return by as unknown as Attacker;
}

/** Has a frame served; the work of the longest run, and of all of them. */
function serve(bench: Bench, peer: Peer, frame: string): { longest: number; total: number } {
  const { meter } = bench.sql;
  const begun = meter.spent;
  let longest = 0;
  bench.running.relay.receive(peer.connection, frame);
  for (let more = true; more && meter.spent - begun < ENOUGH; ) {
    const before = meter.spent;
    more = bench.running.relay.run();
    longest = Math.max(longest, meter.spent - before);
  }
  return { longest, total: meter.spent - begun };
}

async function measure(bench: Bench, attack: Attack): Promise<{ longest: number; total: number }> {
  const peer = bench.login(alice);
  const by = attackerOf(bench, peer, alice);
  await attack.before?.(by);
  const most = { longest: 0, total: 0 };
  let left = FRAMES;
  for (const frame of attack.frames(by)) {
    if (typeof frame !== "string" || left-- === 0) break;
    const { longest, total } = serve(bench, peer, frame);
    if (total < ENOUGH) expect(peer.take(), attack.name).not.toEqual([]);
    most.longest = Math.max(most.longest, longest);
    most.total = Math.max(most.total, total);
    if (total > LONG) break;
  }
  bench.running.relay.leave(peer.connection);
  bench.run();
  return most;
}

for (const [stock, attacks] of Map.groupBy(ATTACKS, ({ stock = "none" }) => stock)) {
  test(`R-01-10 the heaviest frames let others have their turn: ${stock}, ${attacks.length} frames`, async () => {
    const events = STOCKS[stock]?.() ?? [];
    const bench = new Bench({ LIMIT_EVENT: "off", LIMIT_REQ: "off" }, { stock: events as never });
    const tooLong: string[] = [];
    for (const attack of attacks) {
      const begunMs = performance.now();
      const { longest, total } = await measure(bench, attack);
      console.log(`${Math.round(performance.now() - begunMs)} ms`);
      console.log(
        `${String(Math.round(longest)).padStart(8)} ${String(Math.round(total)).padStart(9)}  ${attack.name}`,
      );
      if (longest > MOST) tooLong.push(`${attack.name}: ${Math.round(longest)} units in one run`);
    }
    expect(tooLong).toEqual([]);
  }, 600_000);
}
