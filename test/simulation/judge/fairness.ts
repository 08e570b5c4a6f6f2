import { type Meter, STEP } from "../../../src/protocol/work.ts";
import type { Party } from "./party.ts";

/** Head start of whoever comes after a silence, in units. */
const CREDIT = 500;

/** Sees to it that nobody waits for long while others are served again and again (R-01-10). */
export class Fairness {
  /** The most that one step has taken, in units. */
  #longest = STEP;

  /** Does a step; the reason if somebody has had to wait for it too long. */
  around(party: Party, all: Iterable<Party>, meter: Meter, step: () => void): string | undefined {
    const queued = [...all].filter((other) => other !== party && other.connection.isQueued);
    // Whoever has no room for what it would be sent waits for itself.
    for (const other of queued) if (other.connection.isCrowded) other.waited.clear();
    const waiting = queued.filter((other) => !other.connection.isCrowded);
    // What had been charged before, event by event, is not charged again with the commit.
    const charged = () => meter.spent - meter.prepaid + party.connection.virtualTime;
    const before = charged();
    step();
    const work = charged() - before;
    this.#longest = Math.max(this.#longest, work);
    party.waited.clear();
    for (const other of waiting) {
      const waited = (other.waited.get(party) ?? 0) + work;
      other.waited.set(party, waited);
      // It comes later by what its own step may take, and it may have gone ahead by what a step of the other might have taken.
      if (waited > 2 * (CREDIT + this.#longest) + other.connection.nextWork + STEP)
        return `connection ${other.key} waits while ${party.key} does ${waited} units`;
    }
    return undefined;
  }
}
