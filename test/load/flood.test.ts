import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import { key, unique } from "../support/keys.ts";
import { connectTraffic, type TrafficClient } from "../support/load/traffic-client.ts";
import { workerdsOf } from "../support/processes.ts";
import { ROOT, type Server, startServer } from "../support/server.ts";

const CONNECTIONS = 5000;
const FLOODERS = 50;
const CROWD_KEYS = 500;
/** Files of one process: workerd needs two for each connection. */
const FILES = 2 * CONNECTIONS + 2000;

/** As an operator would set them against floods; the defaults are far wider. */
const LIMITS = {
  LIMIT_EVENT: "connection:8/20,key:8/20",
  LIMIT_REQ: "connection:8/20,key:8/20",
  ABUSE_CUTOFF: "20",
};

/** Connections that are measured, what each does in a window, and the wait after each step. */
const MEASURED = 15;
const STEPS = 40;
/** On average. Were it always the same, all of them would soon be in step, and wait for each other. */
const STEP_WAIT_MS = 80;
const ROUNDS = 3;

const hardLimit = execFileSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).trim();
const mayOpen = hardLimit === "unlimited" || Number(hardLimit) >= FILES;

let server: Server | undefined;
const children: ChildProcess[] = [];

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await server?.stop();
});

/** A process of its own with room for its sockets. It is to stand for other machines, so it gets what time is left here. */
function start(script: string, ...args: (string | number)[]) {
  const command = `ulimit -n ${FILES}; exec nice -n 19 "$0" "$@"`;
  const words = [process.execPath, `test/support/${script}`, ...args.map(String)];
  const child = spawn("sh", ["-c", command, ...words], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    tell: (line: string) => void child.stdin.write(`${line}\n`),
    hear: async () => (await lines.next()).value as string,
  };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const p99 = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length * 0.99)] as number;

/** Round trips in milliseconds. */
interface Times {
  /** From a REQ to its EOSE. */
  req: number[];
  /** From an EVENT to its OK. */
  event: number[];
}

/**
 * Has well-behaved connections query and publish for a window of time. With `begin`, that is called when they are under way
 * and in no step with each other, and what they asked for before is not counted.
 */
async function measure(clients: TrafficClient[], begin?: () => void): Promise<Times> {
  const times: Times = { req: [], event: [] };
  const signed = clients.map((_, n) => Array.from({ length: STEPS / 2 }, () => unique(key(50_000 + n), { kind: 9 })));
  let sinceMs = begin === undefined ? 0 : Number.POSITIVE_INFINITY;
  const beginning = sleep(4 * STEP_WAIT_MS).then(() => {
    sinceMs = Math.min(sinceMs, performance.now());
    begin?.();
  });
  const one = async ({ socket, awaits }: TrafficClient, n: number): Promise<void> => {
    const events = signed[n] as { id: string }[];
    await sleep(2 * Math.random() * STEP_WAIT_MS);
    for (let step = 0; step < STEPS; step++) {
      const event = events[step >> 1] as { id: string };
      const startedAt = performance.now();
      const isEvent = step % 2 === 0;
      const answer = isEvent ? awaits("OK", event.id) : awaits("EOSE", "s");
      socket.send(JSON.stringify(isEvent ? ["EVENT", event] : ["REQ", "s", { ids: [event.id] }]));
      const frame = await answer;
      if (startedAt >= sinceMs) times[isEvent ? "event" : "req"].push(performance.now() - startedAt);
      expect(isEvent ? frame[2] : frame[0]).toBe(isEvent ? true : "EOSE");
      socket.send(JSON.stringify(["CLOSE", "s"]));
      await sleep((0.5 + Math.random()) * STEP_WAIT_MS);
    }
  };
  await Promise.all([...clients.map(one), beginning]);
  return times;
}

test.skipIf(!mayOpen)(
  `R-01-23 50 of 5,000 connections flood, and the others are served as before (needs ${FILES} files, may have ${hardLimit})`,
  { timeout: 300_000 },
  async () => {
    server = await startServer(LIMITS);
    const [workerd] = workerdsOf(server.pid());
    execFileSync("prlimit", ["--pid", String(workerd), `--nofile=${FILES}:`]);
    const crowd = start("flood-crowd.ts", server.url, CONNECTIONS - FLOODERS - MEASURED, CROWD_KEYS);
    expect(await crowd.hear()).toBe("ready");
    const flooders = start("flood-flooders.ts", server.url, FLOODERS);
    expect(await flooders.hear()).toBe("ready");
    const { url } = server;
    const clients = await Promise.all(Array.from({ length: MEASURED }, (_, n) => connectTraffic(url, key(50_000 + n))));
    const stats = (await (await fetch(`${server.httpUrl}/api/stats`)).json()) as Record<string, number>;
    expect(stats.authenticated_connections).toBe(CONNECTIONS);
    await measure(clients);

    const quiet: Times = { req: [], event: [] };
    const flooded: Times = { req: [], event: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const kind of ["events", "forged", "reqs", "garbage"]) {
        const before = await measure(clients);
        // In the first moment all of them use up what they may at once; then they are kept out.
        const onset = await measure(clients, () => flooders.tell(kind));
        const after = await measure(clients);
        flooders.tell("stop");
        const done = await flooders.hear();
        console.log(
          `${kind}: p99 in ms, quiet ${show(before)}, onset ${show(onset)}, after ${show(after)}; flooders ${done}`,
        );
        for (const what of ["req", "event"] as const) {
          quiet[what].push(...before[what]);
          flooded[what].push(...onset[what], ...after[what]);
        }
        // They come back, so that the quiet measurement has all of them too.
        await sleep(2600);
      }
    }
    console.log(`all: p99 in ms, quiet ${show(quiet)}, flooded ${show(flooded)}`);
    const [before, then] = [quiet, flooded].map(({ req, event }) => p99([...req, ...event])) as [number, number];
    console.log(`REQ and EVENT together: ${before.toFixed(1)}, then ${then.toFixed(1)}`);
    expect(then).toBeLessThan(2 * before);
    for (const { socket } of clients) expect(socket.readyState).toBe(1);
  },
);

function show({ req, event }: Times): string {
  return `REQ ${p99(req).toFixed(1)} EVENT ${p99(event).toFixed(1)}`;
}
