import fc from "fast-check";
import { expect, inject, test } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Seconds for which each fuzzer looks. */
    fuzzSeconds: number;
    /** Of the first round; each further round has the next one. */
    fuzzSeed: number;
    /** Where in the first round, as a failure prints it, to see that failure alone; empty for all. */
    fuzzPath: string;
  }
}

/** Inputs of one round. Each round begins with small ones again. */
const RUNS = 200;

/** Inputs between two turns of the event loop: without them the clock of workerd stands still. */
const RUNS_IN_TURN = 20;

/** Time for making a counter-example smaller. */
const SHRINK_MS = 60_000;

/**
 * Tests that `holds` throws for no input, with as many as there is time for. What fails is printed in its smallest form, as
 * a call of `holds` that can be pasted into a test of its own (docs/architecture.md, test).
 */
export function fuzz<T>(name: string, input: fc.Arbitrary<T>, holds: (input: T) => void | Promise<void>): void {
  const [seconds, firstSeed, path] = [inject("fuzzSeconds"), inject("fuzzSeed"), inject("fuzzPath")];
  const search = async () => {
    const end = Date.now() + seconds * 1000;
    let runs = 0;
    let hasFailed = false;
    const property = fc.asyncProperty(input, async (value) => {
      if (runs % RUNS_IN_TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      // A round is finished in no time when the time is over; a failure is made smaller all the same.
      if (!hasFailed && runs > 0 && Date.now() >= end) return;
      runs++;
      try {
        await holds(value);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    });
    for (let seed = firstSeed; seed === firstSeed || (path === "" && Date.now() < end); seed++) {
      const only = path === "" ? {} : { path, endOnFailure: true };
      const most = Math.max(0, end - Date.now()) + SHRINK_MS;
      const details = await fc.check(property, { seed, numRuns: RUNS, interruptAfterTimeLimit: most, ...only });
      if (details.failed) expect.fail(report(name, holds.name, details));
    }
    console.log(`${name}: ${runs} inputs from seed ${firstSeed} on`);
  };
  test(name, search, seconds * 1000 + 2 * SHRINK_MS);
}

function report<T>(name: string, call: string, details: fc.RunDetails<[T]>): string {
  const { seed, counterexample, counterexamplePath, errorInstance } = details;
  return [
    `${name}: FUZZ_SEED=${seed} FUZZ_PATH=${counterexamplePath}`,
    `await ${call}(${fc.stringify(counterexample?.[0])});`,
    ...stackOf(errorInstance).filter((line) => !line.includes("node_modules")),
  ].join("\n");
}

function stackOf(error: unknown): string[] {
  return ((error instanceof Error && error.stack) || String(error)).split("\n");
}
