import type { VerifiedEvent } from "../protocol/crypto/verify.ts";
import { DELETION_KIND, VANISH_KIND } from "../protocol/deletion.ts";
import { addressOf } from "../protocol/kind.ts";

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

/**
 * Splits a batch, in order: what erases others stands alone, and of an address each run has one version, so that no event
 * changes what another of its run meets. A run shares its statements.
 */
export function runsOf(batch: readonly VerifiedEvent[]): VerifiedEvent[][] {
  const runs: VerifiedEvent[][] = [];
  let open: VerifiedEvent[] | undefined;
  const addresses = new Set<string>();
  for (const verified of batch) {
    const { event } = verified;
    if (event.kind === DELETION_KIND || event.kind === VANISH_KIND) {
      runs.push([verified]);
      open = undefined;
      continue;
    }
    const address = addressOf(event);
    const key = address && `${address.kind}:${address.pubkey}:${address.d}`;
    if (open === undefined || (key !== undefined && addresses.has(key))) {
      open = [];
      runs.push(open);
      addresses.clear();
    }
    open.push(verified);
    if (key !== undefined) addresses.add(key);
  }
  return runs;
}
