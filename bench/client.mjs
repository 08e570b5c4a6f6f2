// @ts-check
import { readFileSync } from "node:fs";
import { makeAuthEvent } from "nostr-tools/nip42";
import { finalizeEvent, generateSecretKey } from "nostr-tools/pure";

// What the measurements share: a connection that has logged in, and the command line.

globalThis.WebSocket ??= /** @type {typeof WebSocket} */ (/** @type {unknown} */ ((await import("ws")).WebSocket));

/** Frames of one connection that wait for their OK. */
const IN_FLIGHT = 50;

/** Linux counts CPU time in ticks of 10 ms. */
const TICK_MS = 10;

/** The relay to measure: the first argument, or the one that `npm start` runs. */
export const url = process.argv[2]?.startsWith("ws") ? process.argv[2] : "ws://localhost:8787";

/** @param {string} name @returns {string | undefined} the argument behind it */
export function option(name) {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

/** @returns {Promise<WebSocket>} */
export function login() {
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

/**
 * Publishes frames as fast as the sockets take them together; resolves to the number that was refused.
 * @param {WebSocket[]} sockets
 * @param {Iterator<string>} frames
 */
export async function publishAll(sockets, frames) {
  const refused = await Promise.all(sockets.map((socket) => publish(socket, frames)));
  return refused.reduce((sum, count) => sum + count, 0);
}

/** @param {WebSocket} socket @param {Iterator<string>} frames @returns {Promise<number>} */
function publish(socket, frames) {
  return new Promise((resolve, reject) => {
    let inFlight = 0;
    let refused = 0;
    const fill = () => {
      while (inFlight < IN_FLIGHT) {
        const { done, value } = frames.next();
        if (done) break;
        socket.send(value);
        inFlight++;
      }
      if (inFlight === 0) resolve(refused);
    };
    socket.onclose = () => reject(new Error("The relay closed the connection."));
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

/** @param {number[]} values @param {number} share of the values that are not larger than the answer */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** @param {string | undefined} pid CPU time of the process and its threads, in milliseconds. */
export function cpuMs(pid) {
  if (pid === undefined) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
