// @ts-check
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bystander } from "../../test/load/attacks/run.ts";
import { Peer } from "../peer.ts";
import { cpuMs, residentKb, sleep } from "../process.ts";

const CONNECTIONS = 10_000;
/** Processes that hold them, each from an address of its own: a process has its own bound of files. */
const HOLDERS = 4;
const QUIET_MS = 10_000;
/** Those whose answers are measured meanwhile. */
const MEASURED = 10;

/**
 * 10,000 connections of one process with a subscription each: memory of one, CPU time while nothing happens, and how long others
 * wait then. @type {import("../measure.mjs").Workload}
 */
export async function many(target) {
  const { url, auth, pid } = target;
  await (await Peer.open(url, auth)).subscribe("warm", { kinds: [9] });
  const before = residentKb(pid);
  const holders = Array.from({ length: HOLDERS }, (_, n) => hold(url, auth, CONNECTIONS / HOLDERS, n));
  try {
    await Promise.all(holders.map(({ ready }) => ready));
    await sleep(1000);
    const kb = (residentKb(pid) - before) / CONNECTIONS;
    const cpuBefore = cpuMs(pid);
    await sleep(QUIET_MS);
    const idleCpu = cpuMs(pid) - cpuBefore;
    const others = await bystander(target, MEASURED, 50, true);
    others.begin();
    await sleep(5000);
    const { medianMs, p99Ms } = await others.end();
    others.stop();
    return {
      "10,000 connections, with a subscription": { kb, megabytes: residentKb(pid) / 1024 },
      "10,000 idle for 10 s": { cpuMicros: idleCpu * 1000 },
      "REQ and EVENT among 10,000": { p50Ms: medianMs, p99Ms },
    };
  } finally {
    for (const { end } of holders) end();
  }
}

/** @param {string} url @param {boolean} auth @param {number} count @param {number} n */
function hold(url, auth, count, n) {
  const script = fileURLToPath(new URL("holder.mjs", import.meta.url));
  const args = [script, url, String(auth), String(count), String(n)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = lines.next().then(({ done }) => {
    if (done) throw new Error("A process that holds connections has ended.");
  });
  return { ready, end: () => child.kill("SIGKILL") };
}
