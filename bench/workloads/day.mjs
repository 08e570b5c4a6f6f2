// @ts-check
import { Dice, Stock } from "../events.mjs";
import { measured } from "../measure.mjs";
import { Peer } from "../peer.ts";
import { residentKb } from "../process.ts";
import { percentile } from "../sample.ts";

const CONNECTIONS = 20;
const EVENTS = 30_000;
const OPERATIONS = 20_000;

/** Of a hundred operations; what is left publishes. */
const SHARES = { query: 25, subscribe: 15, count: 3, search: 2, delete: 5 };

/** A day of a marketplace, compressed: jobs, results, profiles and handlers, queries and subscriptions, deletions. @type {import("../measure.mjs").Workload} */
export async function day({ url, auth, pid }) {
  const stock = new Stock(EVENTS, Math.floor(Date.now() / 1000));
  const frames = stock.frames();
  const peers = await Peer.openMany(url, auth, CONNECTIONS);
  const dice = new Dice(3);
  /** @type {Record<string, number[]>} */
  const times = { publish: [], query: [], delete: [] };
  let left = OPERATIONS;
  const one = async (/** @type {Peer} */ peer) => {
    for (let n = 0; left-- > 0; n++) {
      const { name, frame } = operation(stock, frames, dice, n);
      const startedAt = performance.now();
      await peer.ask(frame);
      times[name]?.push(performance.now() - startedAt);
      // A query is over; what was subscribed to stays until its id is used again.
      if (name === "query") peer.send('["CLOSE","query"]');
    }
  };
  const figures = await measured(pid, OPERATIONS, async () => {
    await Promise.all(peers.map(one));
  });
  for (const peer of peers) peer.close();
  const all = Object.values(times).flat();
  const megabytes = residentKb(pid) / 1024;
  return { "mixed day": { ...figures, p50Ms: percentile(all, 0.5), p99Ms: percentile(all, 0.99), megabytes } };
}

/**
 * @param {Stock} stock
 * @param {Iterator<string>} frames
 * @param {Dice} dice
 * @param {number} n
 * @returns {{ name: string, frame: string }}
 */
export function operation(stock, frames, dice, n) {
  let share = dice.below(100);
  const is = (/** @type {keyof typeof SHARES} */ name) => {
    const hit = share >= 0 && share < SHARES[name];
    share -= SHARES[name];
    return hit;
  };
  const { authors, providers, topics, jobs, ids } = stock;
  const author = dice.pick(authors);
  if (ids.length > 100) {
    if (is("query")) return { name: "query", frame: request("query", anyFilter(stock, dice)) };
    if (is("subscribe")) {
      return { name: "query", frame: request(`live-${n % 10}`, { kinds: [6050, 7000], "#p": [author], limit: 20 }) };
    }
    if (is("count")) return { name: "query", frame: JSON.stringify(["COUNT", "c", { kinds: [1], authors: [author] }]) };
    if (is("search")) return { name: "query", frame: request("query", { search: "kan lon", limit: 20 }) };
    if (is("delete") && jobs.length > 0) {
      const { id, pubkey } = dice.pick(jobs.slice(-500));
      const signer = /** @type {import("../signer.ts").Signer} */ (stock.signers[authors.indexOf(pubkey)]);
      const deletion = { kind: 5, created_at: stock.now, tags: [["e", id]], content: `${n}` };
      return { name: "delete", frame: JSON.stringify(["EVENT", signer.sign(deletion)]) };
    }
  }
  const { done, value } = frames.next();
  if (!done) return { name: "publish", frame: value };
  return {
    name: "query",
    frame: request("query", { kinds: [5050], "#p": [dice.pick(providers)], "#t": [dice.pick(topics)] }),
  };
}

/** @param {Stock} stock @param {Dice} dice */
function anyFilter({ authors, providers, topics, ids, jobs }, dice) {
  const filters = [
    () => ({ ids: Array.from({ length: 10 }, () => dice.pick(ids)) }),
    () => ({ kinds: [0], authors: Array.from({ length: 10 }, () => dice.pick(authors)) }),
    () => ({ kinds: [5050], "#p": [dice.pick(providers)], limit: 50 }),
    () => ({ "#t": [dice.pick(topics)], limit: 50 }),
    () => ({ kinds: [6050, 7000], "#e": [jobs.length > 0 ? dice.pick(jobs).id : "0".repeat(64)] }),
  ];
  return dice.pick(filters)();
}

/** @param {string} id @param {object} filter */
function request(id, filter) {
  return JSON.stringify(["REQ", id, filter]);
}
