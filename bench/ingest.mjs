// @ts-check
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { makeAuthEvent } from "nostr-tools/nip42";
import { finalizeEvent, generateSecretKey } from "nostr-tools/pure";

// Acknowledged, verified events per second, and the server's CPU time for each.
//   node bench/ingest.mjs [ws://localhost:8787] [--events 20000] [--pid <of workerd>]

globalThis.WebSocket ??= /** @type {typeof WebSocket} */ (/** @type {unknown} */ ((await import("ws")).WebSocket));

const CONNECTIONS = 8;
const IN_FLIGHT = 50;
const KEYS = 200;
const CONTENT_CHARACTERS = 200;
/** Linux counts CPU time in ticks of 10 ms. */
const TICK_MS = 10;

const url = process.argv[2]?.startsWith("ws") ? process.argv[2] : "ws://localhost:8787";
const total = Number(option("--events") ?? 20_000);
const pid = option("--pid");

console.log(`Signing ${total} events …`);
const frames = makeFrames(total);
const mean = Math.round(frames.reduce((sum, { text }) => sum + text.length - '["EVENT",]'.length, 0) / frames.length);
const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => login(url)));

console.log(`Publishing them, ${mean} bytes each on average, ${CONNECTIONS} connections × ${IN_FLIGHT} in flight …`);
const cpuBefore = cpuMs(pid);
const startedAt = performance.now();
let next = 0;
let refused = 0;
await Promise.all(sockets.map(publish));
const seconds = (performance.now() - startedAt) / 1000;
const cpu = cpuMs(pid) - cpuBefore;

console.log(
  JSON.stringify({
    events: total,
    refused,
    seconds: Number(seconds.toFixed(2)),
    eventsPerSecond: Math.round(total / seconds),
    ...(pid === undefined ? {} : { serverCpuMicrosPerEvent: Math.round((cpu * 1000) / total) }),
  }),
);
for (const socket of sockets) socket.close();

/**
 * Job-like events: four indexed tags and some text, from many keys.
 * @param {number} count
 */
function makeFrames(count) {
  const secrets = Array.from({ length: KEYS }, generateSecretKey);
  return Array.from({ length: count }, (_, i) => {
    const hex = i.toString(16).padStart(64, "0");
    const secret = /** @type {Uint8Array} */ (secrets[i % KEYS]);
    const event = finalizeEvent(
      {
        kind: 1,
        created_at: 1_700_000_000 + i,
        tags: [
          ["e", hex],
          ["p", hex],
          ["t", `topic-${i % 50}`],
          ["k", "5050"],
        ],
        content: "x".repeat(CONTENT_CHARACTERS),
      },
      secret,
    );
    return { id: event.id, text: JSON.stringify(["EVENT", event]) };
  });
}

/** @param {WebSocket} socket */
function publish(socket) {
  return new Promise((resolve) => {
    let inFlight = 0;
    const fill = () => {
      while (inFlight < IN_FLIGHT && next < frames.length) {
        socket.send(/** @type {{ text: string }} */ (frames[next++]).text);
        inFlight++;
      }
      if (inFlight === 0) resolve(undefined);
    };
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame[0] !== "OK") return;
      if (!frame[2]) refused++;
      inFlight--;
      fill();
    };
    fill();
  });
}

/** @param {string} url @returns {Promise<WebSocket>} */
function login(url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onerror = () => reject(new Error(`No relay answers at ${url}.`));
    socket.onmessage = ({ data }) => {
      const [verb, challenge, accepted, text] = JSON.parse(data);
      if (verb === "AUTH")
        socket.send(JSON.stringify(["AUTH", finalizeEvent(makeAuthEvent(url, challenge), generateSecretKey())]));
      else if (verb === "OK") accepted ? resolve(socket) : reject(new Error(text));
    };
  });
}

/** @param {string | undefined} pid CPU time of the process and its threads, in milliseconds. */
function cpuMs(pid) {
  if (pid === undefined) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** @param {string} name */
function option(name) {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}
