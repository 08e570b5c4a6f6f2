import type { VerifiedEvent } from "../protocol/crypto/verify.ts";
import { DELETION_KIND, VANISH_KIND } from "../protocol/deletion.ts";
import type { Event } from "../protocol/event.ts";
import { addressOf, kindClass } from "../protocol/kind.ts";
import type { CountChange } from "./counts.ts";
import type { Placed } from "./insert.ts";
import { addressKey } from "./keys.ts";
import type { Lost } from "./losses.ts";
import type { Candidate, Prior } from "./prior.ts";

/**
 * What became of one event. `obeyed` is a request to vanish that was carried out and not kept; `failed` means that nothing
 * of it was written.
 */
export type PutResult =
  | { outcome: "stored"; position: number }
  | { outcome: "duplicate" }
  | { outcome: "superseded" }
  | { outcome: "deleted" }
  | { outcome: "vanished" }
  | { outcome: "obeyed" }
  | { outcome: "failed"; error: unknown };

/** Tags of events that go which one transaction removes with them: a millisecond. */
const REMOVED_AT_ONCE = 250;

/** What a transaction has done so far, to be taken over into memory once it is committed. */
export class Writing {
  readonly changes: CountChange[] = [];
  readonly added: Placed[] = [];
  readonly removed: Lost[] = [];
  /** What takes back, in memory, what was done already, if it is not committed. */
  readonly undo: (() => void)[] = [];
  /** Tags that it may still remove at once; further ones are left over. */
  room = REMOVED_AT_ONCE;
}

/** Why an event is not stored, as far as that follows from what the store holds about it. */
export function refusalOf({ isStored, isErased, block }: Prior): "duplicate" | "deleted" | "vanished" | undefined {
  if (block === "deleted" || !isStored) return block;
  return isErased ? "vanished" : "duplicate";
}

/** An event and where its versions are known by. */
export function candidateOf(event: Event): Candidate {
  const address = addressOf(event);
  return { event, address: address === undefined ? null : addressKey(address) };
}

/** Splits a batch, in order, so that an event which may change what another meets stands alone. */
export function runsOf(batch: readonly VerifiedEvent[]): VerifiedEvent[][] {
  const runs: VerifiedEvent[][] = [];
  let open: VerifiedEvent[] | undefined;
  for (const verified of batch) {
    const { kind } = verified.event;
    if (kind === DELETION_KIND || kind === VANISH_KIND || kindClass(kind) !== "regular") {
      runs.push([verified]);
      open = undefined;
    } else if (open !== undefined) open.push(verified);
    else {
      open = [verified];
      runs.push(open);
    }
  }
  return runs;
}
