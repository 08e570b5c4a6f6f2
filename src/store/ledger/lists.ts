import { placeOfDuration } from "../../protocol/job/durations.ts";
import type { Evidence } from "../../protocol/job/evidence.ts";
import { type JobState, PROVIDER_STATES, type ProviderState } from "../../protocol/job/profile.ts";
import { type JobEnd, stateAt } from "../../protocol/job/state.ts";
import { timeOfPlace } from "../place.ts";
import type { Sql } from "../sql.ts";
import { PROVIDER_COLUMNS, type ProviderRow, providerOf } from "./providers.ts";
import { JOB_COLUMNS, type JobRow, jobOf, readEvidence, readJobs } from "./rows.ts";
import { type TallyChange, tallyKey } from "./tallies.ts";

/** Jobs that one page looks at; with a provider fewer, since the evidence of each is looked at. */
const LOOKED_AT = 1000;
const LOOKED_AT_EACH = 100;

/** Open jobs that are looked at for their number, and expired ones. */
const COUNTED = 2000;

/** Seconds that nobody has answered a job, after which it is late; seconds before its deadline in which it is expiring. */
const LATE_SECONDS = 600;
const EXPIRING_SECONDS = 3600;

/** Which jobs are asked for. */
export interface JobQuery {
  readonly kind?: number | undefined;
  readonly state?: JobState | undefined;
  readonly provider?: string | undefined;
  readonly customer?: string | undefined;
  /** A job behind which the page begins, as {@link JobPage.next} has it. */
  readonly after?: { readonly made: number; readonly id: string } | undefined;
  readonly limit: number;
  /** Kinds of evidence that nobody is shown: no provider is found by them. */
  readonly except?: ReadonlySet<number>;
  /** Unix seconds. */
  readonly now: number;
}

/** A job with its state at the moment. */
export interface ListedJob extends Omit<JobRow, "state"> {
  readonly state: JobState;
}

export interface JobPage {
  readonly jobs: ListedJob[];
  /** The last job that was looked at; undefined if there are no more. */
  readonly next: { readonly made: number; readonly id: string } | undefined;
}

/** Open jobs of one kind that were looked at, at a moment. */
export interface OpenJobs {
  /** Nobody has answered, or only with errors; somebody works on it. */
  open: number;
  claimed: number;
  /** Of all of these: nobody has answered for ten minutes; the deadline is within an hour. */
  late: number;
  expiring: number;
  /** Made within the last ten minutes, and nobody has answered yet; only where not all open jobs were looked at. */
  fresh: number;
  /** Past their deadline, by the state that the tallies still have. */
  readonly expired: Map<ProviderState, number>;
}

/** Open jobs by kind, and whether all of them were looked at. */
export interface OpenCount {
  readonly byKind: Map<number, OpenJobs>;
  readonly isWhole: boolean;
}

/** A page of jobs, the newest first. It may be short although there are more: `next` tells. Reads a bounded number of rows. */
export function listJobs(sql: Sql, query: JobQuery): JobPage {
  const { provider, after, limit, now, except } = query;
  const most = provider === undefined ? LOOKED_AT : LOOKED_AT_EACH;
  const found: JobRow[] = [];
  let looked = 0;
  let last: JobRow | undefined;
  let isMore = false;
  const from = `SELECT ${JOB_COLUMNS} FROM job j INDEXED BY job_made
    WHERE (j.made, j.id) < (?1, unhex(?2)) ORDER BY j.made DESC, j.id DESC`;
  sql.each(from, [after?.made ?? Number.MAX_SAFE_INTEGER, after?.id ?? ""], (row) => {
    isMore = looked === most || found.length === limit;
    if (isMore) return false;
    looked++;
    last = jobOf(row);
    if (isWanted(last, query)) found.push(last);
    return true;
  });
  const isBy = (one: Evidence) => one.provider === provider && !except?.has(one.kind);
  const jobs = found
    .filter(({ id }) => provider === undefined || readEvidence(sql, id).some(isBy))
    .map((job) => listed(job, now));
  return { jobs, next: isMore && last !== undefined ? { made: last.made, id: last.id } : undefined };
}

function isWanted(job: JobRow, { kind, state, customer, now }: JobQuery): boolean {
  if (kind !== undefined && job.kind !== kind) return false;
  if (customer !== undefined && job.customer !== customer) return false;
  return state === undefined || listed(job, now).state === state;
}

function listed(job: JobRow, now: number): ListedJob {
  return { ...job, state: stateAt(job.state, job.end, job.deadline, now) };
}

/** A job, and the evidence of it that counts. */
export interface FoundJob {
  readonly job: ListedJob;
  readonly evidence: Evidence[];
}

/** One job at `now`, in seconds. */
export function findJob(sql: Sql, id: string, now: number): FoundJob | undefined {
  const job = readJobs(sql, [id]).get(id);
  if (job === undefined) return undefined;
  return { job: listed(job, now), evidence: readEvidence(sql, id) };
}

/** A page of accounts of providers, in the order of key and kind, behind one of them. */
export function listProviders(
  sql: Sql,
  limit: number,
  after: { pubkey: string; kind: number } = { pubkey: "", kind: 0 },
): ProviderRow[] {
  const query = `SELECT ${PROVIDER_COLUMNS} FROM provider p
    WHERE (p.pubkey, p.kind) > (unhex(?1), ?2) ORDER BY p.pubkey, p.kind LIMIT ?3 + 0`;
  return sql.all(query, after.pubkey, after.kind, limit).map(providerOf);
}

/** When the provider last made an event of one of these kinds, in Unix seconds. Reads a row for each kind. */
export function lastSeen(sql: Sql, pubkey: string, kinds: readonly number[]): number | undefined {
  const times = kinds.flatMap((kind) => {
    const query = `SELECT hex(place) FROM event INDEXED BY event_author
      WHERE pubkey = unhex(?1) AND kind = ?2 ORDER BY place LIMIT 1`;
    return sql.all(query, pubkey, kind).map(([place]) => timeOfPlace(place as string));
  });
  return times.length === 0 ? undefined : Math.max(...times);
}

/**
 * Jobs by kind that can still come to something at `now`, in seconds: 2,000 with the nearest deadlines. Of those that have
 * just expired it counts as many; and of the newest ones where there are more.
 */
export function countOpen(sql: Sql, now: number): OpenCount {
  const byKind = new Map<number, OpenJobs>();
  const each = (which: string, count: (of: OpenJobs, state: ProviderState, deadline: number, made: number) => void) => {
    const query = `SELECT kind, deadline, made, state, open FROM job INDEXED BY ${which} LIMIT ${COUNTED}`;
    let looked = 0;
    sql.each(query, [now], (row) => {
      looked++;
      const [kind, deadline, made, rank, isOpen] = row as [number, number, number, number, number | null];
      if (isOpen === null) return true;
      const of = byKind.get(kind) ?? { open: 0, claimed: 0, late: 0, expiring: 0, fresh: 0, expired: new Map() };
      byKind.set(kind, of);
      count(of, PROVIDER_STATES[rank] ?? "requested", deadline, made);
      return true;
    });
    return looked;
  };
  const looked = each(
    "job_open WHERE open IS NOT NULL AND deadline > ?1 ORDER BY deadline",
    (of, state, deadline, made) => {
      if (state === "requested" || state === "error") of.open++;
      else of.claimed++;
      if (state === "requested" && made + LATE_SECONDS <= now) of.late++;
      if (deadline <= now + EXPIRING_SECONDS) of.expiring++;
    },
  );
  each("job_open WHERE open IS NOT NULL AND deadline <= ?1 ORDER BY deadline DESC", ({ expired }, state) => {
    expired.set(state, (expired.get(state) ?? 0) + 1);
  });
  const isWhole = looked < COUNTED;
  if (isWhole) return { byKind, isWhole };
  each(`job_made WHERE made > ?1 - ${LATE_SECONDS} ORDER BY made DESC`, (of, state, deadline) => {
    if (state === "requested" && deadline > now) of.fresh++;
  });
  return { byKind, isWhole };
}

/** The tallies of the ledger, counted. Reads all jobs and accounts: only where they are not known. */
export function ledgerTallies(sql: Sql): TallyChange[] {
  const changes: TallyChange[] = [];
  const ends: readonly JobEnd[] = ["live", "gone", "cancelled"];
  sql.each("SELECT kind, ended, state, result, count(*) FROM job GROUP BY 1, 2, 3, 4", [], (row) => {
    const [kind, ended, rank, result, count] = row as [number, number, number, number | null, number];
    const [state, end] = [PROVIDER_STATES[rank] ?? "requested", ends[ended] ?? "live"];
    changes.push([tallyKey.state(kind, stateAt(state, end, Number.POSITIVE_INFINITY, 0)), count]);
    if (end === "live" && result !== null) changes.push([tallyKey.result(kind, placeOfDuration(result)), count]);
    return true;
  });
  for (const [kind, count] of sql.all("SELECT kind, sum(handlers) FROM provider GROUP BY kind")) {
    if (count !== 0) changes.push([tallyKey.handler(kind as number), count as number]);
  }
  return changes;
}
