// @ts-check
import { CROWD_FLOODS, Crowd } from "../../test/load/attacks/crowd.ts";

const SECONDS = 4;

/**
 * 5,000 connections with a subscription each, of which 50 flood: how long a REQ or an EVENT of fifteen others takes, at first
 * with nobody flooding. @type {import("../measure.mjs").Workload}
 */
export async function floods(target) {
  const crowd = await Crowd.gather(target);
  /** @param {import("../../test/load/attacks/run.ts").Waits} waits */
  const figures = ({ medianMs, p99Ms }) => ({ p50Ms: medianMs, p99Ms });
  /** @type {Record<string, import("../measure.mjs").Figures>} */
  const results = { "nobody floods": figures(await crowd.quiet(SECONDS)) };
  for (const flood of CROWD_FLOODS) results[`50 flood: ${flood}`] = figures(await crowd.flooded(flood, SECONDS));
  crowd.leave();
  return results;
}
