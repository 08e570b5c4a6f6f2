import { expect } from "vitest";
import type { Findings } from "./checker.ts";

/** Adds up what rounds of one fault have found. */
export class Rounds {
  readonly #sum = { rounds: 0, acknowledged: 0, unanswered: 0, lost: 0, doubled: 0, dead: 0 };

  readonly fault: string;

  constructor(fault: string) {
    this.fault = fault;
  }

  /** Takes the findings of a round; fails if there is anything amiss. */
  take(seed: number, findings: Findings, before?: Findings): void {
    const { problems, ...counts } = findings;
    expect(problems.slice(0, 10), `seed ${seed}`).toEqual([]);
    expect(counts, `seed ${seed}`).toMatchObject({ lost: 0, doubled: 0, dead: 0 });
    this.#sum.rounds++;
    for (const name of ["acknowledged", "unanswered", "lost", "doubled", "dead"] as const) {
      this.#sum[name] += counts[name] - (before?.[name] ?? 0);
    }
  }

  /** One line for whoever reads the run. */
  print(more: Record<string, unknown> = {}): void {
    console.log(`${this.fault}: ${JSON.stringify({ ...this.#sum, ...more })}`);
  }

  get acknowledged(): number {
    return this.#sum.acknowledged;
  }

  get unanswered(): number {
    return this.#sum.unanswered;
  }
}
