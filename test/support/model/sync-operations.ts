import type { Filter } from "../client.ts";
import type { Random } from "../random.ts";
import { TIME_SPAN } from "./drafts.ts";
import { BAD_FILTERS, idsFilter, privateFilter, randomFilters } from "./random-filters.ts";
import type { Content, Operation, State, SyncRecord } from "./steps.ts";

/** Sync: the operations of section 5.8. */
export const SYNC_MESSAGES: readonly Operation[] = [
  { name: "open sync", weight: 8, generate: openSync },
  {
    name: "go on with sync",
    weight: 10,
    generate: (random, state, on) => ({ verb: "NEG-MSG", id: someSync(random, state, on) }),
  },
  {
    name: "close sync",
    weight: 3,
    generate: (random, state, on) => ({ verb: "NEG-CLOSE", id: someSync(random, state, on) }),
  },
  {
    name: "bad sync",
    weight: 2,
    generate: (random, state, on) => {
      const id = someSync(random, state, on);
      const fault = random.pick(["50", "610", "", "6100000300"]);
      return random.pick<Content>([
        { verb: "NEG-MSG", id, fault },
        { verb: "NEG-OPEN", id, filter: {}, records: [], fault },
        { verb: "NEG-OPEN", id, filter: random.pick(BAD_FILTERS), records: [] },
      ]);
    },
  },
];

/** One more than may be open at a time (R-05-44). */
export const SYNC_IDS = ["s", "t", "u", "v", "w"];

/** Mostly one that is open. */
function someSync(random: Random, { oracle }: State, on: number): string {
  const open = [...(oracle.connections.get(on)?.syncs.keys() ?? [])];
  return open.length > 0 && random.chance(0.9) ? random.pick(open) : random.pick(SYNC_IDS);
}

export function openSync(random: Random, state: State, on: number): Content & { verb: "NEG-OPEN" } {
  const open = state.oracle.connections.get(on)?.syncs;
  const id = random.pick(random.chance(0.7) ? SYNC_IDS.filter((id) => !open?.has(id)) : SYNC_IDS);
  const filters = random.pick([everything, everything, randomFilters, privateFilter, idsFilter])(random, state);
  return { verb: "NEG-OPEN", id, filter: filters[0] ?? {}, records: records(random, state) };
}

/** Enough for several rounds. */
function everything(): Filter[] {
  return [{}];
}

/** Some of all events there have been, often nearly all or none, and some that nobody else knows. */
function records(random: Random, { oracle }: State): SyncRecord[] {
  const { events, removed } = oracle.archive;
  const known = random.pick([0, 0, 0.5, 0.9, 0.97]);
  // Beside the events, what the relay has falls into few of the first message's ranges, which it has to split.
  const [from, span] = random.pick([
    [oracle.now, TIME_SPAN],
    [oracle.now - 2 * TIME_SPAN, 1],
    [oracle.now - 2 * TIME_SPAN, 1],
  ] as const);
  const foreign = Array.from({ length: random.pick([0, 0, 3, 40, 40]) }, (): SyncRecord => {
    const id = Array.from({ length: 8 }, () => random.int(0, 0xffffffff).toString(16).padStart(8, "0")).join("");
    return [from - random.int(0, span), id];
  });
  const gone = random.chance(0.3) ? removed : [];
  const own = [...new Set([...events, ...gone])].filter(() => random.chance(known));
  return [...own.map(({ created_at, id }): SyncRecord => [created_at, id]), ...foreign];
}
