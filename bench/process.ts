import { readdirSync, readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** Linux counts CPU time in ticks of 10 ms, and memory in kB. */
const TICK_MS = 10;

/** A process and all that it has started, itself or through others. */
export function treeOf(pid: number): number[] {
  let children = "";
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  } catch {
    // It has ended, or this is no Linux.
  }
  return [pid, ...(children === "" ? [] : children.split(" ").flatMap((child) => treeOf(Number(child))))];
}

/** The name of a process; empty if there is none. */
export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

/** The threads of a process. */
export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** CPU time of a process, its threads and what it has started, in milliseconds; NaN where it cannot be told. */
export function cpuMs(pid: number | undefined): number {
  return sumOf(pid, (each) => {
    const fields = readFileSync(`/proc/${each}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  });
}

/** Memory of a process and what it has started that is in RAM, in kB; NaN where it cannot be told. */
export function residentKb(pid: number | undefined): number {
  return sumOf(pid, (each) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${each}/status`, "utf8"))?.[1]));
}

function sumOf(pid: number | undefined, figure: (pid: number) => number): number {
  if (pid === undefined) return Number.NaN;
  try {
    return treeOf(pid).reduce((sum, each) => sum + figure(each), 0);
  } catch {
    return Number.NaN;
  }
}

/** What the figures were measured on. */
export function machine() {
  const [cpu] = cpus();
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return { cpu: cpu?.model ?? "unknown", cores: cpus().length, memoryGb, node: process.version };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
