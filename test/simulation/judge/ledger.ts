import { EventStore } from "../../../src/store/event-store.ts";
import type { Sql } from "../../../src/store/sql.ts";
import { dump, rebuilt } from "../../unit/ledger/jobs.ts";
import { SimulatedSql } from "../machine/simulated-sql.ts";

/** What is wrong with the ledger of jobs (R-07-18), `now` being the latest that it has been: on a copy it is derived anew, and must be the same. */
export function ledgerFault(sql: SimulatedSql, now: number): string | undefined {
  const copy = new SimulatedSql(1, sql.snapshot());
  try {
    return compare(copy, now);
  } finally {
    copy.close();
  }
}

function compare(sql: Sql, now: number): string | undefined {
  const store = new EventStore(sql, { nowSeconds: () => now });
  // One that is being derived is not whole.
  if (store.ledger.isRebuilding) return undefined;
  // What has become too old may be there until the chore comes to it.
  while ((store.ledger.nextLeave() ?? Number.POSITIVE_INFINITY) <= now) store.leaveLedger(now);
  const kept = dump(sql);
  if (Object.values(kept).every((rows) => rows.length === 0)) return undefined;
  const { ledger } = rebuilt(sql, store, now);
  const [before, after] = [JSON.stringify(kept), JSON.stringify(ledger)];
  return before === after ? undefined : `the ledger is ${before}, derived anew ${after}`;
}
