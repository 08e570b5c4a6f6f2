// @ts-check
import { writeFile } from "node:fs/promises";
import { WebSocket } from "ws";
import { freePort, ROOT, startRelay, UNLIMITED } from "./target.ts";
import { WORKLOADS } from "./workloads/index.mjs";

// Where the time of the Node host goes while it does a workload: the functions that took most, with their share.
//   npm run bench:profile -- ingest [--keep file.cpuprofile]

const SAMPLE_MICROS = 200;
const LINES = 40;

const [name = ""] = process.argv.slice(2);
const workload = WORKLOADS[name];
if (workload === undefined) throw new Error(`Name one of ${Object.keys(WORKLOADS).join(", ")}.`);
const keep = process.argv.indexOf("--keep");

const inspector = await freePort();
const relay = await startRelay(ROOT, {
  variables: { ...UNLIMITED, NODE_OPTIONS: `--inspect=127.0.0.1:${inspector}` },
});
try {
  const ask = await inspect(inspector);
  await ask("Profiler.enable");
  await ask("Profiler.setSamplingInterval", { interval: SAMPLE_MICROS });
  await ask("Profiler.start");
  console.log(await workload(relay));
  const { profile } = await ask("Profiler.stop");
  if (keep > 0) await writeFile(/** @type {string} */ (process.argv[keep + 1]), JSON.stringify(profile));
  show(profile);
} finally {
  await relay.stop();
}

/**
 * Connects to the debugger of the process.
 * @param {number} port
 * @returns {Promise<(method: string, params?: object) => Promise<any>>}
 */
async function inspect(port) {
  const [target] = /** @type {any} */ (await (await fetch(`http://127.0.0.1:${port}/json`)).json());
  const socket = new WebSocket(target.webSocketDebuggerUrl, { maxPayload: 2 ** 30 });
  await new Promise((resolve) => socket.once("open", resolve));
  let last = 0;
  return (method, params = {}) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      socket.on("message", function answer(data) {
        const message = JSON.parse(String(data));
        if (message.id !== id) return;
        socket.off("message", answer);
        message.error ? reject(new Error(message.error.message)) : resolve(message.result);
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
}

/**
 * @param {{ nodes: { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[], samples: number[], timeDeltas: number[] }} profile
 */
function show({ nodes, samples, timeDeltas }) {
  const names = new Map(
    nodes.map(({ id, callFrame }) => [
      id,
      `${callFrame.functionName || "(anonymous)"} ${callFrame.url.split("/").slice(-2).join("/")}:${callFrame.lineNumber + 1}`,
    ]),
  );
  /** @type {Map<string, number>} */
  const micros = new Map();
  let total = 0;
  for (const [i, sample] of samples.entries()) {
    const name = /** @type {string} */ (names.get(sample));
    if (name.startsWith("(idle)")) continue;
    const delta = timeDeltas[i] ?? 0;
    micros.set(name, (micros.get(name) ?? 0) + delta);
    total += delta;
  }
  console.log(`${Math.round(total / 1000)} ms on the main thread:`);
  const sorted = [...micros].sort(([, a], [, b]) => b - a).slice(0, LINES);
  for (const [name, time] of sorted) console.log(`${((100 * time) / total).toFixed(1).padStart(6)} %  ${name}`);
}
