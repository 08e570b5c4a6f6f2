// @ts-check
import { cpuMs } from "./process.ts";

/**
 * What one line of the results says. Only `cpuMicros` is compared: the others move with what else the machine does.
 * @typedef {object} Figures
 * @property {number} [perSecond] operations
 * @property {number} [cpuMicros] of the relay's process for one operation
 * @property {number} [p50Ms]
 * @property {number} [p99Ms]
 * @property {number} [returned] events for one query
 * @property {number} [kb] memory for one connection
 * @property {number} [megabytes] memory at the end
 */

/**
 * Measures a target that nobody else uses; one line or more, by name.
 * @typedef {(target: import("./target.ts").Target) => Promise<Record<string, Figures>>} Workload
 */

/**
 * Rate and CPU time of so many operations.
 * @param {number | undefined} pid
 * @param {number} operations
 * @param {() => Promise<void>} run
 * @returns {Promise<Figures>}
 */
export async function measured(pid, operations, run) {
  const cpuBefore = cpuMs(pid);
  const startedAt = performance.now();
  await run();
  const seconds = (performance.now() - startedAt) / 1000;
  const micros = ((cpuMs(pid) - cpuBefore) * 1000) / operations;
  return { perSecond: operations / seconds, ...(Number.isNaN(micros) ? {} : { cpuMicros: micros }) };
}
