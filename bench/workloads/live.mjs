// @ts-check

import { measured } from "../measure.mjs";
import { isEvent, Peer, publishAll } from "../peer.ts";
import { sleep } from "../process.ts";
import { eventFrame, percentile, sampleEvents } from "../sample.ts";

const SUBSCRIBERS = 200;
const BURST = 1000;
const PACED = 200;
const PER_SECOND = 20;

/** Every event goes to 200 subscribers: 1,000 as fast as they are taken, then 20 a second. @type {import("../measure.mjs").Workload} */
export async function live({ url, auth, pid }) {
  const peers = await Peer.openMany(url, auth, SUBSCRIBERS);
  await Promise.all(peers.map((peer) => peer.subscribe("live", { kinds: [1], limit: 0 })));
  const [publisher, ...others] = await Peer.openMany(url, auth, 4);
  const publishers = [/** @type {Peer} */ (publisher), ...others];
  const notes = sampleEvents(4000, { seed: "live" }).filter(({ kind }) => kind === 1);
  const burst = await measured(pid, BURST * SUBSCRIBERS, async () => {
    const arrived = arrivals(peers, BURST * SUBSCRIBERS, () => {});
    await publishAll(publishers, notes.slice(0, BURST).map(eventFrame).values(), 50);
    await arrived;
  });

  /** @type {Map<string, number>} */
  const sentAt = new Map();
  /** @type {number[]} */
  const delays = [];
  const paced = await measured(pid, PACED * SUBSCRIBERS, async () => {
    const arrived = arrivals(peers, PACED * SUBSCRIBERS, (frame) => {
      // ["EVENT","live",{"id":"
      const at = sentAt.get(frame.toString("latin1", 23, 87));
      delays.push(performance.now() - Number(at));
    });
    const startedAt = performance.now();
    for (const [i, event] of notes.slice(BURST, BURST + PACED).entries()) {
      await sleep(Math.max(0, startedAt + (i * 1000) / PER_SECOND - performance.now()));
      sentAt.set(event.id, performance.now());
      publishers[0]?.send(eventFrame(event));
    }
    await arrived;
  });
  for (const peer of [...peers, ...publishers]) peer.close();
  return {
    "live burst": burst,
    "live paced": { ...paced, p50Ms: percentile(delays, 0.5), p99Ms: percentile(delays, 0.99) },
  };
}

/**
 * Resolves when so many events have come; rejects when they do not come any longer.
 * @param {readonly Peer[]} peers
 * @param {number} count
 * @param {(frame: Buffer) => void} seen
 * @returns {Promise<void>}
 */
function arrivals(peers, count, seen) {
  return new Promise((resolve, reject) => {
    let left = count;
    let last = count;
    const timer = setInterval(() => {
      if (left === last) reject(new Error(`${left} of ${count} deliveries did not come.`));
      last = left;
    }, 10_000);
    for (const peer of peers) {
      peer.onFrame = (frame) => {
        if (!isEvent(frame)) return;
        seen(frame);
        if (--left > 0) return;
        clearInterval(timer);
        resolve();
      };
    }
  });
}
