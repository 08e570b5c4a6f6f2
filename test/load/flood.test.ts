import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT, startRelay, type Target } from "../../bench/target.ts";
import { CROWD_FLOODS, Crowd } from "./attacks/crowd.ts";
import { favour } from "./attacks/run.ts";

const SECONDS = 4;
/** What a REQ or an EVENT of the others takes at p99. */
const MAX_P99_MS = 25;
/** Files of this process, which holds the crowd, and of the relay. */
const FILES = 6000;

const limit = execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).trim();
const mayOpen = limit === "unlimited" || Number(limit) >= FILES;

describe.skipIf(!mayOpen)(`50 of 5,000 connections flood (needs ${FILES} files, may have ${limit})`, () => {
  let relay: Target;
  let crowd: Crowd;

  beforeAll(async () => {
    relay = await startRelay(ROOT, { variables: {} });
    favour(relay.pid);
    crowd = await Crowd.gather(relay);
  });
  afterAll(async () => {
    crowd?.leave();
    await relay?.stop();
  });

  test("R-01-23 nobody floods, to compare with", async () => {
    const { medianMs, p99Ms } = await crowd.quiet(SECONDS);
    console.log(`median ${medianMs}, p99 ${p99Ms} ms`);
  });

  test.each(CROWD_FLOODS)("R-01-23 the others are served as before: %s", async (flood) => {
    const { answers, medianMs, p99Ms, worstMs } = await crowd.flooded(flood, SECONDS);
    console.log(`median ${medianMs}, p99 ${p99Ms}, worst ${worstMs} ms`);
    expect(answers).toBeGreaterThan(0);
    expect(p99Ms).toBeLessThan(MAX_P99_MS);
  });
});
