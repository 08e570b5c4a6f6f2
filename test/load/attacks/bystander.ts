import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { percentile } from "../../../bench/sample.ts";
import { Attacker } from "./attack.ts";

// A process that asks for little and measures how long it waits: node bystander.ts URL PID CONNECTIONS EVERY_MS
// [publish], PID being the relay's.
// Prints "ready"; a line "begin" forgets what was measured, "end" prints it as JSON.

const [url = "", pid = "0", connections = "1", everyMs = "10", publishes] = process.argv.slice(2);
/** Keys apart from those of attackers. */
const FIRST_KEY = 800_000;
const NOTHING = `{"ids":["${"0".repeat(64)}"],"limit":1}`;

let times: number[] = [];
/** The longest, with what the relay waited for a core. */
let longest = 0;
/** What those wait that are not answered yet. */
const waiting = new Map<Attacker, () => number>();

/** How long the main thread of the relay has wanted to run and was not let, in milliseconds: others have the cores. 0 if unknown. */
function waitedForCore(): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(by: Attacker): Promise<void> {
  for (let step = 0; ; step++) {
    const isEvent = publishes !== undefined && step % 2 === 1;
    const frame = isEvent ? by.eventFrame({ kind: 9 }) : `["REQ","b",${NOTHING}]`;
    const waits = stopwatch();
    waiting.set(by, waits);
    const [verb, , accepted] = await by.ask(frame);
    waiting.delete(by);
    times.push(waits());
    if (verb !== (isEvent ? "OK" : "EOSE") || (isEvent && accepted !== true)) throw new Error(`answered with ${verb}`);
    if (!isEvent) by.socket.send('["CLOSE","b"]');
    await pause(Number(everyMs) * (connections === "1" ? 1 : 0.5 + Math.random()));
  }
}

/** Gives what has been waited since, without what the relay waited for a core. */
function stopwatch(): () => number {
  const [startedAt, waitedBefore] = [performance.now(), waitedForCore()];
  return () => {
    const tookMs = performance.now() - startedAt;
    longest = Math.max(longest, tookMs);
    return Math.max(0, tookMs - (waitedForCore() - waitedBefore));
  };
}

/** What has been waited for, ended or not. */
function report(): string {
  const all = [...times, ...[...waiting.values()].map((waits) => waits())];
  const [medianMs, p99Ms, worstMs] = [0.5, 0.99, 1].map((share) => Number(percentile(all, share).toFixed(1)));
  return JSON.stringify({ answers: times.length, medianMs, p99Ms, worstMs, longestMs: Number(longest.toFixed(1)) });
}

const all = await Promise.all(
  Array.from({ length: Number(connections) }, (_, n) => Attacker.open(url, n, { key: FIRST_KEY + n })),
);
for (const by of all) {
  ask(by).catch((error) => {
    console.log(JSON.stringify({ error: String(error) }));
    process.exit(1);
  });
}
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "begin") [times, longest] = [[], 0];
  else console.log(report());
}
process.exit();
