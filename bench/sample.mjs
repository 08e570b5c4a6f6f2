// @ts-check
import { Signer } from "./signer.mjs";

export const KEYS = 200;
/** Of a hundred events, so many are notes, and so many have a `p` tag. */
const NOTES = 59;
const TAGGED = 88;
const TOPICS = 50;
const KINDS = [7, 9, 1111, 30_078];

/**
 * Events as all relays of the comparison have been given them: 641 bytes on average, from 200 keys. Of the 100 events of a
 * key 59 are notes, and a key is tagged 88 times.
 * @param {number} count
 * @param {{ created?: (i: number) => number, seed?: string }} [options] `seed` makes other events of the same make
 */
export function sampleEvents(count, { created = (i) => 1_700_000_000 + i, seed = "" } = {}) {
  const signers = Array.from({ length: KEYS }, (_, i) => new Signer(i + 1));
  const events = [];
  for (let i = 0; i < count; i++) {
    const round = Math.floor(i / KEYS) % 100;
    const signer = /** @type {Signer} */ (signers[i % KEYS]);
    const kind = round < NOTES ? 1 : /** @type {number} */ (KINDS[round % KINDS.length]);
    const hex = i.toString(16).padStart(64, "0");
    const tags = [["e", hex], ["t", `topic-${i % TOPICS}`], ...(kind === 30_078 ? [["d", `${seed}${i}`]] : [])];
    if ((round * 37) % 100 < TAGGED) tags.push(["p", /** @type {Signer} */ (signers[(i * 7 + round) % KEYS]).pubkey]);
    events.push(
      signer.sign({ kind, created_at: created(i), tags, content: `${seed}${i} `.padEnd(118 + (i % 41), "x") }),
    );
  }
  return events;
}

/** @param {object} event */
export function eventFrame(event) {
  return JSON.stringify(["EVENT", event]);
}

/** @param {readonly number[]} values @param {number} share of the values that are not larger than the answer */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
