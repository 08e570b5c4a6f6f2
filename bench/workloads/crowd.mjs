// @ts-check
import { measured } from "../measure.mjs";
import { isEvent, Peer } from "../peer.ts";
import { cpuMs, residentKb, sleep } from "../process.ts";
import { eventFrame, percentile, sampleEvents } from "../sample.ts";

const CONNECTIONS = 5000;
const ACTIVE = 50;
/** What each active connection does, and the wait after each. */
const STEPS = 40;
const STEP_MS = 250;
/** In which CPU time is taken of a relay that has nothing to do, in milliseconds. */
const QUIET_MS = 10_000;

/**
 * 5,000 connections with a subscription each: memory, CPU time while nothing happens, and then with 50 of them publishing
 * and querying in turn, twice a second each. @type {import("../measure.mjs").Workload}
 */
export async function crowd({ url, auth, pid }) {
  await (await Peer.open(url, auth)).subscribe("warm", { kinds: [9] });
  const before = residentKb(pid);
  const peers = await Peer.openMany(url, auth, CONNECTIONS);
  const connected = residentKb(pid);
  await Peer.subscribeAll(peers, "own", (n) => ({ "#t": [`own-${n}`], limit: 0 }));
  // Rows of subscriptions are written behind.
  await sleep(3000);
  const subscribed = residentKb(pid);
  const cpuBefore = cpuMs(pid);
  await sleep(QUIET_MS);
  const quietCpu = cpuMs(pid) - cpuBefore;

  const events = sampleEvents(ACTIVE * STEPS, { seed: "crowd" });
  /** @type {number[]} */
  const times = [];
  const one = async (/** @type {Peer} */ peer, /** @type {number} */ n) => {
    await sleep((n * STEP_MS) / ACTIVE);
    for (let step = 0; step < STEPS; step++) {
      const event = /** @type {{ id: string }} */ (events[n * STEPS + step]);
      const startedAt = performance.now();
      const frame = step % 2 === 0 ? eventFrame(event) : JSON.stringify(["REQ", "q", { ids: [event.id], limit: 1 }]);
      await peer.ask(frame);
      times.push(performance.now() - startedAt);
      await sleep(STEP_MS);
    }
  };
  const active = await measured(pid, ACTIVE * STEPS, async () => {
    await Promise.all(peers.slice(0, ACTIVE).map(one));
  });
  for (const peer of peers) peer.close();
  return {
    "idle connection, logged in": { kb: (connected - before) / CONNECTIONS },
    "idle connection, with a subscription": { kb: (subscribed - before) / CONNECTIONS },
    "5,000 idle for 10 s": { cpuMicros: quietCpu * 1000 },
    "5,000 with 1 % active": { ...active, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) },
  };
}

const SLEEPERS = 1000;
/** After ten idle seconds the runtime takes the object out of memory. */
const ASLEEP_MS = 14_000;
const WAKES = 5;

/**
 * From a publication to its arrival, once while the object hibernates under 1,000 connections with a subscription each, and
 * at once again while it is awake. @type {import("../measure.mjs").Workload}
 */
export async function wake({ url, auth }) {
  const peers = await Peer.openMany(url, auth, SLEEPERS);
  const [first] = peers;
  await Peer.subscribeAll(peers, "s", (n) => ({ "#t": [`topic-${n}`], limit: 0 }));
  const publisher = await Peer.open(url, auth);
  const events = sampleEvents(4000, { seed: "wake" }).filter(({ tags }) => tags[1]?.[1] === "topic-0");
  const delay = async () => {
    const arrived = new Promise((resolve) => {
      /** @type {Peer} */ (first).onFrame = (frame) => isEvent(frame) && resolve(undefined);
    });
    const startedAt = performance.now();
    publisher.send(eventFrame(/** @type {object} */ (events.pop())));
    await arrived;
    return performance.now() - startedAt;
  };
  const asleep = [];
  const awake = [];
  for (let i = 0; i < WAKES; i++) {
    await sleep(ASLEEP_MS);
    asleep.push(await delay());
    awake.push(await delay());
  }
  for (const peer of [...peers, publisher]) peer.close();
  return {
    "wake of 1,000 to first delivery": { p50Ms: percentile(asleep, 0.5), p99Ms: percentile(asleep, 1) },
    "the same, awake": { p50Ms: percentile(awake, 0.5), p99Ms: percentile(awake, 1) },
  };
}
