import type { Attack, Attacker, Frame } from "./attack.ts";

// What the tables of heavy frames are made with.

/** A heavy frame: the next is sent when it has been answered. */
export function heavy(name: string, frames: Attack["frames"], more: Partial<Attack> = {}): Attack {
  return { name, frames, inTurn: true, connections: 1, ...more };
}

/** The frames of a count that does not end. */
export function* endless(make: (i: number) => Frame): Generator<Frame> {
  for (let i = 0; ; i++) yield make(i);
}

/** Subscriptions, by the filters of each, and events while they are open. */
export function live(
  name: string,
  filters: () => object[][],
  event: (by: Attacker) => Frame,
  more: Partial<Attack> = {},
): Attack {
  return {
    ...heavy(name, (by) => endless(() => event(by))),
    async before(by) {
      for (const [i, each] of filters().entries()) {
        const [verb, , text] = await by.ask(
          JSON.stringify(["REQ", `${i}`, ...each.map((one) => ({ limit: 0, ...one }))]),
        );
        if (verb !== "EOSE") return console.error(`${name}: subscription ${i} was refused: ${text}`);
      }
    },
    ...more,
  };
}

export const filterOf = (key: string, values: readonly string[]) => ({ [key]: values });

/** So many characters of a text that is repeated. */
export const long = (text: string, length: number) => text.repeat(Math.ceil(length / text.length)).slice(0, length);
