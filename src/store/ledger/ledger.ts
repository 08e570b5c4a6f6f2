import type { Event } from "../../protocol/event.ts";
import { placeOfDuration } from "../../protocol/job/durations.ts";
import { type Evidence, testimonyOf } from "../../protocol/job/evidence.ts";
import { HANDLER_KIND, handledKinds, jobRole } from "../../protocol/job/job.ts";
import { kindRanges, PROFILES } from "../../protocol/job/profile.ts";
import { deriveJob, factsOf, type JobEnd, type JobFacts, stateAt } from "../../protocol/job/state.ts";
import type { Sql } from "../sql.ts";
import {
  countOpen,
  type FoundJob,
  findJob,
  type JobPage,
  type JobQuery,
  lastSeen,
  listJobs,
  listProviders,
  type OpenCount,
} from "./lists.ts";
import { type ProviderRow, Providers } from "./providers.ts";
import { Rebuild } from "./rebuild.ts";
import {
  ALL,
  deleteEvidence,
  type Entry,
  insertEvidence,
  JOB_COLUMNS,
  type JobRow,
  jobOf,
  readEvidence,
  readJobs,
  writeJob,
} from "./rows.ts";
import { type TallyChange, tallyKey } from "./tallies.ts";

/** Seconds from its request for which a job is in the ledger. */
export const LEDGER_SECONDS = 7 * 86_400;

/** Jobs that leave the ledger in one step. */
const LEAVING = 20;

/** Why an event has gone: its time is over, its author has deleted it, or nothing of it may be left. */
export type Parting = "gone" | "cancelled" | "erased";

/** What a transaction changes about one job. */
interface Change {
  /** Of a request that comes. */
  facts: JobFacts | undefined;
  end: JobEnd | "erased" | undefined;
  added: Evidence[];
  dropped: Evidence[];
}

/** A job that changes, with the evidence that counted before; undefined of one that is not in the ledger. */
interface Affected {
  readonly id: string;
  readonly change: Change;
  readonly before: JobRow | undefined;
  readonly after: JobRow | undefined;
  readonly evidence: Evidence[] | undefined;
}

/**
 * The account of all jobs: what became of each, and what each provider has done (R-07-07 to R-07-18). It follows from the
 * stored events alone, and from the requests that have gone within seven days. Each transaction that stores or removes
 * events writes it too: for each job that changes it is derived anew, from a bounded part of its evidence.
 */
export class Ledger {
  readonly #sql: Sql;
  readonly #nowSeconds: () => number;
  readonly #profiles: typeof PROFILES;
  readonly #providers: Providers;
  readonly #rebuild: Rebuild;
  /** Of the transaction under way. */
  readonly #changes = new Map<string, Change>();
  #tallies: TallyChange[] = [];

  /** Reads one row. */
  constructor(sql: Sql, nowSeconds: () => number, profiles = PROFILES) {
    this.#sql = sql;
    this.#nowSeconds = nowSeconds;
    this.#profiles = profiles;
    this.#providers = new Providers(sql);
    const take = (event: Event) => this.#take(event, 1, "gone");
    this.#rebuild = new Rebuild(sql, [...kindRanges(profiles), [HANDLER_KIND, HANDLER_KIND]], take);
  }

  /** Whether {@link step} has something to do: until then a part of the stored events is not in the ledger. */
  get isRebuilding(): boolean {
    return this.#rebuild.isUnderWay;
  }

  /** A page of jobs, the newest first. */
  list = (query: JobQuery): JobPage => listJobs(this.#sql, query);

  /** One job, and the evidence of it that counts. `now` is in Unix seconds. */
  find = (id: string, now: number): FoundJob | undefined => findJob(this.#sql, id, now);

  /** A page of accounts of providers, behind one of them. */
  providers = (limit: number, after: Pick<ProviderRow, "pubkey" | "kind">): ProviderRow[] =>
    listProviders(this.#sql, limit, after);

  /** When a provider last made an event of one of these kinds, in Unix seconds. */
  lastSeen = (pubkey: string, kinds: readonly number[]): number | undefined => lastSeen(this.#sql, pubkey, kinds);

  /** Open jobs by kind at `now`, in Unix seconds. */
  open = (now: number): OpenCount => countOpen(this.#sql, now);

  /** Begins to derive everything anew from the stored events. Writes one row. */
  rebuild(): void {
    this.#rebuild.begin();
  }

  /** An event is stored, in the transaction under way. */
  added(event: Event): void {
    this.#note(event, 1, "gone");
  }

  /** A stored event is removed, in the transaction under way. */
  removed(event: Event, why: Parting): void {
    this.#note(event, -1, why);
  }

  /** A bounded part of the rebuild, in the caller's transaction. Returns what to call when it has been committed. */
  step(): () => void {
    return this.#rebuild.step({
      write: (before, after) => this.#writeJob(before, after),
      handlers: (kind, count) => this.#tallies.push([tallyKey.handler(kind), -count]),
    });
  }

  /** When the next job leaves the ledger, in Unix seconds. Reads one row. */
  nextLeave(): number | undefined {
    const made = this.#sql.all("SELECT made FROM job INDEXED BY job_made ORDER BY made LIMIT 1")[0]?.[0];
    return made === undefined ? undefined : (made as number) + LEDGER_SECONDS;
  }

  /** Lets jobs go that are too old at `now`, in seconds: a bounded number, in the caller's transaction. */
  leave(now: number): void {
    const rows = this.#sql.all(
      `SELECT ${JOB_COLUMNS} FROM job j INDEXED BY job_made WHERE made <= ?1 ORDER BY made LIMIT ${LEAVING}`,
      now - LEDGER_SECONDS,
    );
    for (const row of rows) this.#changeOf(jobOf(row).id).end = "erased";
  }

  /**
   * Lets some jobs go whose requests have gone, made until then: those of a customer, or the one with this id. Returns how many;
   * 0 if none is left.
   */
  leaveOf = (subject: string, until = Number.MAX_SAFE_INTEGER): number => {
    const rows = this.#sql.all(
      `SELECT lower(hex(id)) FROM job WHERE id = unhex(?1) AND made <= ?2 AND ended > 0 UNION ALL
       SELECT lower(hex(id)) FROM job INDEXED BY job_gone WHERE customer = unhex(?1) AND made <= ?2 AND ended > 0
       LIMIT ${LEAVING}`,
      subject,
      until,
    );
    for (const [id] of rows) this.#changeOf(id as string).end = "erased";
    return rows.length;
  };

  /** Writes what the transaction under way has changed; to be called at its end. Returns the changes of the tallies. */
  settle(): TallyChange[] {
    const affected = this.#affected();
    const entries = (list: "added" | "dropped"): Entry[] =>
      affected.flatMap(({ id, change }) => change[list].map((evidence) => ({ job: id, evidence })));
    deleteEvidence(this.#sql, entries("dropped"));
    insertEvidence(this.#sql, entries("added"));
    for (const one of affected) this.#derive(one);
    this.#providers.flush();
    const tallies = this.#tallies;
    this.forget();
    return tallies;
  }

  /** The transaction under way is undone, or done. */
  forget(): void {
    this.#changes.clear();
    this.#providers.forget();
    this.#tallies = [];
  }

  #note(event: Event, sign: 1 | -1, why: Parting): void {
    const isHandler = event.kind === HANDLER_KIND;
    if (!isHandler && jobRole(event, this.#profiles) === undefined) return;
    if (!isHandler) this.#tallies.push([tallyKey.hour(event), sign]);
    if (this.#rebuild.covers(event)) this.#take(event, sign, why);
    else if (sign < 0 && jobRole(event, this.#profiles) === "request") this.#end(event, why);
  }

  /** A request goes that a rebuild has not come to, and will not find. */
  #end(request: Event, why: Parting): void {
    const change = this.#changeOf(request.id);
    if (!this.#isPast(request)) change.facts = factsOf(request);
    change.end = why;
  }

  /** Whether the ledger keeps nothing of a request any more. */
  #isPast({ created_at }: Event): boolean {
    return created_at + LEDGER_SECONDS <= this.#nowSeconds();
  }

  #take(event: Event, sign: 1 | -1, why: Parting): void {
    if (event.kind === HANDLER_KIND) {
      for (const kind of handledKinds(event, this.#profiles)) {
        this.#providers.handle(event.pubkey, kind, sign);
        this.#tallies.push([tallyKey.handler(kind), sign]);
      }
      return;
    }
    const role = jobRole(event, this.#profiles);
    if (role === undefined) return;
    if (role === "request") {
      if (sign > 0 && this.#isPast(event)) return;
      const change = this.#changeOf(event.id);
      if (sign > 0) change.facts = factsOf(event);
      change.end = sign > 0 ? "live" : why;
      return;
    }
    const testimony = testimonyOf(event, this.#profiles);
    if (testimony === undefined) return;
    for (const job of testimony.jobs) {
      const { added, dropped } = this.#changeOf(job);
      const [to, from] = sign > 0 ? [added, dropped] : [dropped, added];
      const at = from.findIndex(({ id }) => id === event.id);
      if (at >= 0) from.splice(at, 1);
      // What was added in this transaction has no row yet.
      if (at < 0 || sign > 0) to.push(testimony.evidence);
    }
  }

  #changeOf(job: string): Change {
    const change = this.#changes.get(job) ?? { facts: undefined, end: undefined, added: [], dropped: [] };
    this.#changes.set(job, change);
    return change;
  }

  #affected(): Affected[] {
    if (this.#changes.size === 0) return [];
    const rows = readJobs(this.#sql, [...this.#changes.keys()]);
    return [...this.#changes].map(([id, change]) => {
      const before = rows.get(id);
      const after = changed(id, before, change);
      const isKnown = before !== undefined || after !== undefined;
      return { id, change, before, after, evidence: isKnown ? readEvidence(this.#sql, id) : undefined };
    });
  }

  #derive({ id, change, before, after, evidence }: Affected): void {
    if (evidence === undefined) return;
    if (before?.end === "live") this.#credit(before, evidence, -1);
    const derived = after && this.#credit(after, this.#evidenceAfter(id, evidence, change), 1);
    this.#writeJob(before, after && { ...after, ...derived });
  }

  /** The evidence that counts after the change: known without reading while there is little. */
  #evidenceAfter(job: string, before: Evidence[], { added, dropped }: Change): Evidence[] {
    if (added.length + dropped.length === 0) return before;
    const gone = new Set([...added, ...dropped].map(({ id }) => id));
    const after = [...before.filter(({ id }) => !gone.has(id)), ...added];
    return before.length < ALL && after.length <= ALL ? after : readEvidence(this.#sql, job);
  }

  /** Derives a job; while its request is stored, what providers have made of it is in their accounts. */
  #credit(job: JobRow, evidence: readonly Evidence[], sign: 1 | -1): Omit<ReturnType<typeof deriveJob>, "claims"> {
    const { claims, ...derived } = deriveJob(job, evidence, this.#profiles);
    if (job.end !== "live") return derived;
    for (const [provider, claim] of claims) this.#providers.claim(provider, job.kind, claim, sign);
    return derived;
  }

  #writeJob(before: JobRow | undefined, after: JobRow | undefined): void {
    writeJob(this.#sql, before, after);
    for (const [job, sign] of [
      [before, -1],
      [after, 1],
    ] as const) {
      if (job === undefined) continue;
      const { kind, state, end, result } = job;
      this.#tallies.push([tallyKey.state(kind, stateAt(state, end, Number.POSITIVE_INFINITY, 0)), sign]);
      if (end === "live" && result !== undefined)
        this.#tallies.push([tallyKey.result(kind, placeOfDuration(result)), sign]);
    }
  }
}

/** What a job is after a change, before its evidence is looked at. */
function changed(id: string, before: JobRow | undefined, { facts, end }: Change): JobRow | undefined {
  if (end === "erased") return undefined;
  const none = {
    state: "requested",
    feedback: undefined,
    result: undefined,
    provider: undefined,
    amount: undefined,
  } as const;
  if (facts !== undefined) return { ...none, ...facts, id, end: end ?? "live" };
  return before && { ...before, end: end ?? before.end };
}
