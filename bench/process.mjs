// @ts-check
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** Linux counts CPU time in ticks of 10 ms, and memory in kB. */
const TICK_MS = 10;

/** CPU time of a process and its threads, in milliseconds; NaN where it cannot be told. @param {number | undefined} pid */
export function cpuMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return Number.NaN;
  }
}

/** Memory of a process that is in RAM, in kB; NaN where it cannot be told. @param {number | undefined} pid */
export function residentKb(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}

/** The first process below `pid` of that name. @param {number} pid @param {string} name @returns {number | undefined} */
export function childNamed(pid, name) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
  return children.find((child) => child > 0 && readFileSync(`/proc/${child}/comm`, "utf8").trim() === name);
}

/** What the figures were measured on. */
export function machine() {
  const [cpu] = cpus();
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return { cpu: cpu?.model ?? "unknown", cores: cpus().length, memoryGb, node: process.version };
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
