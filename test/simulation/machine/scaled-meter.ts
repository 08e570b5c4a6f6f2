import type { Meter } from "../../../src/protocol/work.ts";

/**
 * A meter that shows more than was spent: with a scale of 40 a step of 2,000 units is over after 50, so that short answers take
 * as many steps as long ones do on a real host.
 */
export class ScaledMeter implements Meter {
  readonly #scale: number;
  #shown = 0;
  /** Units that were really spent. */
  real = 0;
  prepaid = 0;
  written = 0;
  read = 0;

  constructor(scale: number) {
    this.#scale = scale;
  }

  get spent(): number {
    return this.#shown;
  }

  set spent(value: number) {
    const more = value - this.#shown;
    this.real += more;
    this.#shown += more * this.#scale;
  }
}
