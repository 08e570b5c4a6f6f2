import type { VerifiedEvent } from "../protocol/crypto/verify.ts";
import { DELETION_KIND, VANISH_KIND } from "../protocol/deletion.ts";
import { kindClass } from "../protocol/kind.ts";

/**
 * What became of one event. `obeyed` is a request to vanish that was carried out, now or before, and not kept; `failed` means that nothing
 * of it was written.
 */
export type PutResult =
  | { outcome: "stored"; position: number }
  | { outcome: "duplicate" }
  | { outcome: "superseded" }
  | { outcome: "deleted" }
  | { outcome: "vanished" }
  | { outcome: "obeyed"; isNew: boolean }
  | { outcome: "failed"; error: unknown };

/** Whether the event is stored or carried out, and was not before. */
export function isNew(result: PutResult | undefined): boolean {
  return result?.outcome === "stored" || (result?.outcome === "obeyed" && result.isNew);
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
