// @ts-check
import { attacker, bystander } from "../../test/support/flood-run.ts";
import { Peer } from "../peer.mjs";
import { sleep } from "../process.ts";

const CONNECTIONS = 5000;
const MEASURED = 15;
/** What each that is measured waits on average between two questions. */
const EVERY_MS = 80;
const SECONDS = 4;

/** What 50 connections flood with, each a title of `test/support/flood-all.ts`. */
const FLOODS = [
  "EVENT, new ones",
  "EVENT, forged",
  "REQ for an id",
  "REQ without filter",
  "COUNT",
  "CLOSE of nothing",
  "AUTH, wrong challenge",
  "NEG-OPEN of a few",
  "NEG-MSG of nothing",
  "NEG-CLOSE of nothing",
  "PING",
  "ping, bare",
  "ping, of the protocol, empty",
  "malformed, half a frame",
  "unknown verb",
  "binary",
];

/**
 * 5,000 connections with a subscription each, of which 50 flood: how long a REQ or an EVENT of fifteen others takes, at first
 * with nobody flooding. @type {import("../measure.mjs").Workload}
 */
export async function floods({ url, auth }) {
  const peers = await Peer.openMany(url, auth, CONNECTIONS - 50 - MEASURED);
  for (let i = 0; i < peers.length; i += 100) {
    await Promise.all(
      peers.slice(i, i + 100).map((peer, n) => peer.subscribe("own", { "#t": [`own-${i + n}`], limit: 0 })),
    );
  }
  const others = await bystander(url, MEASURED, EVERY_MS, true);
  const waits = async (/** @type {() => Promise<unknown>} */ meanwhile) => {
    others.begin();
    await meanwhile();
    const { medianMs, p99Ms } = await others.end();
    return { p50Ms: medianMs, p99Ms };
  };
  /** @type {Record<string, import("../measure.mjs").Figures>} */
  const results = { "nobody floods": await waits(() => sleep(SECONDS * 1000)) };
  for (const flood of FLOODS) {
    const flooders = await attacker(url, `${flood} (50 × logged in)`, SECONDS);
    await sleep(500);
    results[`50 flood: ${flood}`] = await waits(flooders.go);
    flooders.stop();
    await sleep(500);
  }
  others.stop();
  for (const peer of peers) peer.close();
  return results;
}
