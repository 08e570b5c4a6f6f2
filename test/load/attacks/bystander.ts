import { createInterface } from "node:readline";
import { percentile } from "../../../bench/sample.ts";
import { Attacker } from "./attack.ts";

// A process that asks for little and measures how long it waits: node bystander.ts URL CONNECTIONS EVERY_MS [publish].
// Prints "ready"; a line "begin" forgets what was measured, "end" prints it as JSON.

const [url = "", connections = "1", everyMs = "10", publishes] = process.argv.slice(2);
/** Keys apart from those of attackers. */
const FIRST_KEY = 800_000;
const NOTHING = `{"ids":["${"0".repeat(64)}"],"limit":1}`;

let times: number[] = [];
let latest = 0;
/** Since when the slowest that is still waiting does. */
const waiting = new Map<Attacker, number>();

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(by: Attacker): Promise<void> {
  for (let step = 0; ; step++) {
    const isEvent = publishes !== undefined && step % 2 === 1;
    const frame = isEvent ? by.eventFrame({ kind: 9 }) : `["REQ","b",${NOTHING}]`;
    const startedAt = performance.now();
    waiting.set(by, startedAt);
    const [verb, , accepted] = await by.ask(frame);
    waiting.delete(by);
    times.push(performance.now() - startedAt);
    if (verb !== (isEvent ? "OK" : "EOSE") || (isEvent && accepted !== true)) throw new Error(`answered with ${verb}`);
    if (!isEvent) by.socket.send('["CLOSE","b"]');
    const wait = Number(everyMs) * (connections === "1" ? 1 : 0.5 + Math.random());
    const due = performance.now() + wait;
    await pause(wait);
    latest = Math.max(latest, performance.now() - due);
  }
}

/** What has been waited for, ended or not. */
function report(): string {
  const now = performance.now();
  const all = [...times, ...[...waiting.values()].map((since) => now - since)];
  const [medianMs, p99Ms, worstMs] = [0.5, 0.99, 1].map((share) => Number(percentile(all, share).toFixed(1)));
  return JSON.stringify({ answers: times.length, medianMs, p99Ms, worstMs, lateMs: Number(latest.toFixed(1)) });
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
  if (line === "begin") [times, latest] = [[], 0];
  else console.log(report());
}
process.exit();
