// @ts-check
import { performance } from "node:perf_hooks";
import { finalizeEvent, generateSecretKey } from "nostr-tools/pure";
import { cpuMs, login, option, publishAll } from "./client.mjs";

// Acknowledged, verified events per second, and the server's CPU time for each.
//   node bench/ingest.mjs [ws://localhost:8787] [--events 20000] [--pid <of workerd>]

const CONNECTIONS = 8;
const KEYS = 200;
const CONTENT_CHARACTERS = 200;

const total = Number(option("--events") ?? 20_000);
const pid = option("--pid");

console.log(`Signing ${total} events …`);
const frames = makeFrames(total);
const mean = Math.round(frames.reduce((sum, text) => sum + text.length - '["EVENT",]'.length, 0) / frames.length);
const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, login));

console.log(`Publishing them, ${mean} bytes each on average, ${CONNECTIONS} connections …`);
const cpuBefore = cpuMs(pid);
const startedAt = performance.now();
const refused = await publishAll(sockets, frames.values());
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
for (const socket of sockets) {
  socket.onclose = null;
  socket.close();
}

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
    return JSON.stringify(["EVENT", event]);
  });
}
