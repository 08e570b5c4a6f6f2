import { afterAll, describe, expect, test } from "vitest";
import { CASES } from "./attacks/cases.ts";
import { Runner } from "./attacks/run.ts";

// R-01-23, and docs/limits.md, Fairness: nobody can hold the others up. For each attack, what a second client, who asks for
// little, waits at worst. The machine must have nothing else to do. `node test/load/attacks.ts` shows more.

const SECONDS = Number(process.env.ATTACK_SECONDS ?? 2);
const MAX_MS = Number(process.env.MAX_MS ?? 100);

const runner = new Runner();
afterAll(() => runner.close());

describe(`R-01-23 another client waits less than ${MAX_MS} ms during`, () => {
  test.each(CASES.map((one) => [one.title, one] as const))("%s", async (_, one) => {
    const { answers, medianMs, p99Ms, worstMs, longestMs } = await runner.run(one, SECONDS);
    console.log(`median ${medianMs}, p99 ${p99Ms}, worst ${worstMs} ms (${longestMs} with what it waited for a core)`);
    expect(answers).toBeGreaterThan(0);
    expect(worstMs).toBeLessThan(MAX_MS);
  });
});
