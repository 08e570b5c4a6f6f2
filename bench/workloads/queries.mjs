// @ts-check

import { measured } from "../measure.mjs";
import { Peer, publishAll } from "../peer.ts";
import { eventFrame, percentile, sampleEvents } from "../sample.ts";

const EVENTS = 20_000;
const CONNECTIONS = 8;

/** The queries of the comparison among 20,000 events, each to EOSE and closed. @type {import("../measure.mjs").Workload} */
export async function queries({ url, auth, pid }) {
  const events = sampleEvents(EVENTS);
  const peers = await Peer.openMany(url, auth, CONNECTIONS);
  await publishAll(peers, events.map(eventFrame).values(), 50);
  const authors = [...new Set(events.map(({ pubkey }) => pubkey))];
  const author = (/** @type {number} */ i) => authors[(i * 31) % authors.length];
  const id = (/** @type {number} */ i) => events[(i * 7919) % EVENTS]?.id;
  /** @type {[name: string, rounds: number, filter: (i: number) => object][]} */
  const shapes = [
    ["REQ 10 ids", 4000, (i) => ({ ids: Array.from({ length: 10 }, (_, n) => id(i * 10 + n)) })],
    ["REQ author+kind limit 100", 2000, (i) => ({ authors: [author(i)], kinds: [1], limit: 100 })],
    ["REQ #p limit 100", 2000, (i) => ({ "#p": [author(i)], limit: 100 })],
    ["REQ kind limit 500", 600, (i) => ({ kinds: [1], limit: 500, until: 1_700_000_000 + EVENTS - (i % 1000) })],
  ];
  /** @type {Record<string, import("../measure.mjs").Figures>} */
  const results = {};
  for (const [name, rounds, filter] of shapes) {
    const frames = Array.from({ length: rounds }, (_, i) => JSON.stringify(["REQ", "q", filter(i)])).values();
    /** @type {number[]} */
    const times = [];
    let returned = 0;
    const one = async (/** @type {Peer} */ peer) => {
      for (const frame of frames) {
        const startedAt = performance.now();
        const { verb, events } = await peer.ask(frame);
        if (verb !== "EOSE") throw new Error(`The relay answered ${verb} to ${frame}.`);
        times.push(performance.now() - startedAt);
        returned += events;
        peer.send('["CLOSE","q"]');
      }
    };
    const figures = await measured(pid, rounds, async () => void (await Promise.all(peers.map(one))));
    const p50Ms = percentile(times, 0.5);
    results[name] = { ...figures, p50Ms, p99Ms: percentile(times, 0.99), returned: returned / rounds };
  }
  for (const peer of peers) peer.close();
  return results;
}
