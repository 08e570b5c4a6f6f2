// @ts-check
import { Dice, Stock } from "../events.mjs";
import { isEvent, Peer, publishAll } from "../peer.ts";
import { cpuMs, residentKb, sleep } from "../process.ts";
import { percentile } from "../sample.ts";
import { operation } from "./day.mjs";

const MINUTES = Number(process.env.SOAK_MINUTES ?? 10);
/** Operations a second: half of what the mixed day reaches on two cores, client included. */
const PER_SECOND = Number(process.env.SOAK_RATE ?? 800);
/** Stored before it begins: as many as one asks for by id, so that no operation costs more later than at first. */
const STORED = 100_000;
const IN_FLIGHT = 20;
const CONNECTIONS = 20;
const SUBSCRIBERS = 50;
const WINDOW_MS = 30_000;

/**
 * The mixed day at a steady rate, with subscribers to all notes; one line for each half minute as it passes.
 * @type {import("../measure.mjs").Workload}
 */
export async function soak({ url, auth, pid }) {
  const stock = new Stock(10_000_000, Math.floor(Date.now() / 1000));
  const frames = stock.frames();
  const dice = new Dice(5);
  const peers = await Peer.openMany(url, auth, CONNECTIONS);
  let left = STORED;
  const next = () => (left-- > 0 ? frames.next() : { done: /** @type {const} */ (true), value: undefined });
  await publishAll(peers, { next }, IN_FLIGHT);
  const listeners = await Peer.openMany(url, auth, SUBSCRIBERS);
  let delivered = 0;
  for (const listener of listeners) {
    await listener.subscribe("notes", { kinds: [1], limit: 0 });
    listener.onFrame = (frame) => void (isEvent(frame) && delivered++);
  }
  /** @type {Record<string, import("../measure.mjs").Figures>} */
  const results = {};
  /** @type {number[]} */
  let times = [];
  let operations = 0;
  const endsAt = performance.now() + MINUTES * 60_000;
  const startedAt = performance.now();
  const one = async (/** @type {Peer} */ peer) => {
    for (let n = 0; performance.now() < endsAt; n++) {
      // The nth operation of all has its time; who is late does not wait.
      const dueAt = startedAt + (operations++ * 1000) / PER_SECOND;
      await sleep(Math.max(0, dueAt - performance.now()));
      const { name, frame } = operation(stock, frames, dice, n);
      const askedAt = performance.now();
      await peer.ask(frame);
      times.push(performance.now() - askedAt);
      if (name === "query") peer.send('["CLOSE","query"]');
      // What one may still ask for stays bounded.
      if (stock.ids.length > STORED) stock.ids.splice(0, STORED / 10);
      if (stock.jobs.length > STORED / 5) stock.jobs.splice(0, STORED / 50);
    }
  };
  const watch = async () => {
    let cpu = cpuMs(pid);
    for (let window = 1; performance.now() < endsAt; window++) {
      await sleep(WINDOW_MS);
      const some = times;
      times = [];
      const cpuNow = cpuMs(pid);
      const figures = {
        perSecond: (some.length * 1000) / WINDOW_MS,
        cpuMicros: ((cpuNow - cpu) * 1000) / some.length,
        p50Ms: percentile(some, 0.5),
        p99Ms: percentile(some, 0.99),
        megabytes: residentKb(pid) / 1024,
      };
      cpu = cpuNow;
      results[`soak, minute ${window / 2}`] = figures;
      console.error(JSON.stringify({ window, ...figures, delivered }));
    }
  };
  await Promise.all([...peers.map(one), watch()]);
  for (const peer of [...peers, ...listeners]) peer.close();
  return results;
}
