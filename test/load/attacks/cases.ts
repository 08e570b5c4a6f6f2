import type { Attack, Frame } from "./attack.ts";
import { HEAVY_EVENTS } from "./heavy-events.ts";
import { HEAVY_READS } from "./heavy-reads.ts";
import { HTTP } from "./http.ts";
import { MANAGEMENT } from "./management.ts";
import { MEMBERS } from "./members.ts";
import { FLOODS } from "./verbs.ts";
import { WIRE } from "./wire.ts";

/** An attack, by how many connections, and whether they have logged in. */
export interface Case {
  readonly title: string;
  readonly attack: Attack;
  readonly connections: number;
  readonly login: boolean;
}

/** The first frame of each heavy attack, one after the other: before login all of them are refused. */
const REFUSED: Attack = {
  name: "every heavy frame",
  inTurn: true,
  *frames(by) {
    for (const attack of [...HEAVY_EVENTS, ...HEAVY_READS]) yield* firstOf(attack.frames(by));
  },
};

function* firstOf(frames: Iterable<Frame>): Generator<Frame> {
  for (const frame of frames) return yield frame;
}

const asCase = (attack: Attack, connections: number, login: boolean): Case => ({
  title: `${attack.name} (${connections === 0 ? "" : `${connections} × `}${login ? "logged in" : "before login"})`,
  attack,
  connections,
  login,
});

/** All that is tried. */
export const CASES: readonly Case[] = [
  ...FLOODS.flatMap((attack) => [1, 50].flatMap((count) => [true, false].map((login) => asCase(attack, count, login)))),
  ...[...HEAVY_EVENTS, ...HEAVY_READS].map((attack) => asCase(attack, attack.connections ?? 1, true)),
  asCase(REFUSED, 1, false),
  ...[...WIRE, ...HTTP, ...MANAGEMENT, ...MEMBERS].map((attack) =>
    asCase(attack, attack.connections ?? 1, attack.connections !== 50),
  ),
];

/** The case of a title; throws if there is none. */
export function caseOf(title: string): Case {
  const found = CASES.find((one) => one.title === title);
  if (found === undefined) throw new Error(`There is no attack ${title}.`);
  return found;
}
