// @ts-check

import { measured } from "../measure.mjs";
import { Peer, publishAll } from "../peer.ts";
import { residentKb } from "../process.ts";
import { eventFrame, sampleEvents } from "../sample.ts";

const EVENTS = 20_000;
const CONNECTIONS = 8;
const IN_FLIGHT = 50;

/** Acknowledged events a second, CPU time for each, and memory at the end. @type {import("../measure.mjs").Workload} */
export async function ingest({ url, auth, pid }) {
  const frames = sampleEvents(EVENTS).map(eventFrame);
  const peers = await Peer.openMany(url, auth, CONNECTIONS);
  const result = await measured(pid, EVENTS, async () => {
    const { refused } = await publishAll(peers, frames.values(), IN_FLIGHT);
    if (refused > 0) throw new Error(`${refused} events were refused.`);
  });
  const megabytes = residentKb(pid) / 1024;
  for (const peer of peers) peer.close();
  return { ingest: { ...result, megabytes } };
}
