import { type SignedEvent, Signer } from "./signer.ts";

export const KEYS = 200;
/** Of a hundred events, so many are notes, and so many have a `p` tag. */
const NOTES = 59;
const TAGGED = 88;
const TOPICS = 50;
const KINDS = [7, 9, 1111, 30_078];

/**
 * Events as all relays of the comparison have been given them: 641 bytes on average, from 200 keys. Of the 100 events of a
 * key 59 are notes, and a key is tagged 88 times. `seed` makes other events of the same make.
 */
export function sampleEvents(
  count: number,
  { created = (i: number) => 1_700_000_000 + i, seed = "" } = {},
): SignedEvent[] {
  const signers = Array.from({ length: KEYS }, (_, i) => new Signer(i + 1));
  const events: SignedEvent[] = [];
  for (let i = 0; i < count; i++) {
    const round = Math.floor(i / KEYS) % 100;
    const signer = signers[i % KEYS] as Signer;
    const kind = round < NOTES ? 1 : (KINDS[round % KINDS.length] as number);
    const hex = i.toString(16).padStart(64, "0");
    const tags = [["e", hex], ["t", `topic-${i % TOPICS}`], ...(kind === 30_078 ? [["d", `${seed}${i}`]] : [])];
    if ((round * 37) % 100 < TAGGED) tags.push(["p", (signers[(i * 7 + round) % KEYS] as Signer).pubkey]);
    events.push(
      signer.sign({ kind, created_at: created(i), tags, content: `${seed}${i} `.padEnd(118 + (i % 41), "x") }),
    );
  }
  return events;
}

export function eventFrame(event: object): string {
  return JSON.stringify(["EVENT", event]);
}

/** The value that `share` of the values do not exceed; NaN if there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
