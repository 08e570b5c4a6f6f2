import { quantile } from "../../protocol/job/durations.ts";
import { HANDLER_KIND } from "../../protocol/job/job.ts";
import { type ProviderState, profileOfRequest, resultKindOf, roleOfKind } from "../../protocol/job/profile.ts";
import type { EventLog } from "../../store/event-log.ts";
import type { EventStore } from "../../store/event-store.ts";
import type { JobQuery, ListedJob, OpenCount, OpenJobs } from "../../store/ledger/lists.ts";
import type { ProviderRow } from "../../store/ledger/providers.ts";
import { type JobNumbers, numbersOf } from "../../store/ledger/tallies.ts";
import type { Config } from "../config/config.ts";
import type { Connection } from "../connection.ts";
import type { AccessLists, Clock } from "../ports.ts";
import { kindsListenedTo } from "./listening.ts";

/** Characters of a content in a timeline, and of all contents that one timeline reads. */
const MAX_CONTENT = 500;
const MAX_READ = 1 << 18;

/** How long the numbers count, in milliseconds: everybody may ask, and each answer reads thousands of rows. */
const KEPT_MS = 5000;

export interface JobBoardDeps {
  readonly config: Config;
  readonly store: EventStore;
  readonly log: EventLog;
  readonly lists: AccessLists;
  readonly clock: Pick<Clock, "nowMs" | "nowSeconds">;
  readonly connections: Iterable<Connection>;
}

/** Which jobs an operator asks for. */
export type BoardQuery = Omit<JobQuery, "now" | "except" | "after"> & { readonly after?: string | undefined };

type Json = Record<string, unknown>;

/** What the tallies and the open jobs say. */
type Numbers = JobNumbers & { readonly open: OpenCount };

/** Answers that are given for {@link KEPT_MS}. */
interface Told {
  readonly atMs: number;
  /** The private kinds, which are in neither. */
  readonly hidden: string;
  readonly summary: Json[];
  readonly totals: Json;
}

/**
 * What is shown of the ledger: to operators jobs, their histories and their providers, to everybody totals. Jobs of private
 * kinds are in none of it (R-05-29), nor are those of somebody whose events a ban hides.
 */
export class JobBoard {
  readonly #deps: JobBoardDeps;
  #kept: Told | undefined;

  constructor(deps: JobBoardDeps) {
    this.#deps = deps;
  }

  /** A page of jobs, the newest first, and what `after` of the next page is. It may be short although there is a next. */
  jobs({ after, ...query }: BoardQuery): Json {
    const { store, clock, config } = this.#deps;
    const now = clock.nowSeconds();
    const [made, id] = after?.split(":") ?? [];
    const from = made === undefined || id === undefined ? undefined : { made: Number(made), id };
    const page = store.ledger.list({ ...query, now, after: from, except: config.privateKinds });
    const jobs = page.jobs.filter((job) => this.#isShown(job)).map(jobOf);
    return { jobs, ...(page.next && { next: `${page.next.made}:${page.next.id}` }) };
  }

  /** One job with its history, the oldest first: what of it is stored. Undefined if the ledger does not have it. */
  job(id: string): Json | undefined {
    const { store, log, clock } = this.#deps;
    const found = store.ledger.find(id, clock.nowSeconds());
    if (found === undefined || !this.#isShown(found.job)) return undefined;
    const { job, evidence } = found;
    const ids = [
      id,
      ...evidence.sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1)).map((one) => one.id),
    ];
    const statusOf = new Map(evidence.map((one) => [one.id, one]));
    let read = 0;
    const timeline = ids.flatMap((of) => {
      const event = read > MAX_READ ? undefined : log.find(of);
      if (event === undefined) return [];
      read += event.content.length;
      const { id, kind, pubkey, created_at, content } = event;
      const one = statusOf.get(of);
      const role = roleOfKind(kind);
      // What a request is about, and what a feedback says besides its status.
      const [tag, place] = role === "request" ? ["i", 1] : ["status", 2];
      const extra = event.tags.find(([name]) => name === tag)?.[place];
      return {
        id,
        role,
        kind,
        pubkey,
        created_at,
        ...(one && { status: one.state }),
        ...(one?.amount !== undefined && { amount_msat: one.amount }),
        ...(extra && { extra: extra.slice(0, MAX_CONTENT).toWellFormed() }),
        content: content.slice(0, MAX_CONTENT).toWellFormed(),
      };
    });
    return { ...jobOf(job), timeline };
  }

  /** A page of providers, each with a kind of request, in the order of key and kind; what `after` of the next page is. */
  providers(limit: number, after?: string): Json {
    const { store } = this.#deps;
    const [pubkey = "", kind = "0"] = after?.split(":") ?? [];
    const rows = store.ledger.providers(limit + 1, { pubkey, kind: Number(kind) });
    const page = rows.slice(0, limit);
    const present = this.#present(new Set(page.map(({ pubkey }) => pubkey)));
    const providers = page.filter((row) => this.#isKind(row.kind)).map((row) => this.#provider(row, present));
    const last = page.at(-1);
    return { providers, ...(rows.length > limit && last && { next: `${last.pubkey}:${last.kind}` }) };
  }

  /** Jobs by kind of request: in which state, open, claimed, late and expiring; seconds to the first result. */
  summary(): Json[] {
    return this.#told().summary;
  }

  /** What anybody may know (R-07-17): totals only. */
  totals(): Json {
    return this.#told().totals;
  }

  /** The numbers of a moment ago. Kinds that have become private since are in none. */
  #told(): Told {
    const { store, clock, config } = this.#deps;
    const [atMs, hidden] = [clock.nowMs(), [...config.privateKinds].join()];
    const kept = this.#kept;
    if (kept !== undefined && kept.hidden === hidden && Math.abs(atMs - kept.atMs) < KEPT_MS) return kept;
    const now = clock.nowSeconds();
    const numbers = { ...numbersOf(store.counts.tallies(), now), open: store.ledger.open(now) };
    this.#kept = { atMs, hidden, summary: this.#summaryOf(numbers), totals: this.#totalsOf(numbers) };
    return this.#kept;
  }

  #summaryOf({ states, results, handlers, open }: Numbers): Json[] {
    const kinds = [...new Set([...states.keys(), ...handlers.keys()])].filter((kind) => this.#isKind(kind));
    return kinds
      .sort((a, b) => a - b)
      .map((kind) => {
        const found = open.byKind.get(kind);
        const now = atMoment(states.get(kind) ?? new Map(), found);
        const durations = results.get(kind) ?? new Map<number, number>();
        return {
          kind,
          states: Object.fromEntries(now),
          ...waiting(now, found, open.isWhole),
          expiring: found?.expiring ?? 0,
          handlers: handlers.get(kind) ?? 0,
          result_p50: quantile(durations, 0.5),
          result_p95: quantile(durations, 0.95),
        };
      });
  }

  #totalsOf({ day, states, results, handlers, open }: Numbers): Json {
    const { store, config } = this.#deps;
    const shown = [...day].filter(([kind]) => !config.privateKinds.has(kind)).sort(([a], [b]) => a - b);
    const inRole = (role: string) => shown.filter(([kind, count]) => count > 0 && roleOfKind(kind) === role);
    const sum = (counts: Iterable<readonly [unknown, number]>) =>
      [...counts].reduce((total, [, count]) => total + count, 0);
    const byState = new Map<string, number>();
    const durations = new Map<number, number>();
    for (const [kind, ofKind] of states) {
      if (!this.#isKind(kind)) continue;
      for (const [state, count] of atMoment(ofKind, open.byKind.get(kind)))
        byState.set(state, (byState.get(state) ?? 0) + count);
      for (const [place, count] of results.get(kind) ?? []) durations.set(place, (durations.get(place) ?? 0) + count);
    }
    const isHandlerShown = !config.privateKinds.has(HANDLER_KIND);
    const byKind = [...handlers].filter(([kind]) => isHandlerShown && this.#isKind(kind)).sort(([a], [b]) => a - b);
    return {
      requests: sum(inRole("request")),
      requests_by_kind: Object.fromEntries(inRole("request")),
      results: sum(inRole("result")),
      results_by_kind: Object.fromEntries(inRole("result")),
      feedback: sum(inRole("feedback")),
      jobs_by_state: Object.fromEntries(byState),
      handlers: isHandlerShown ? (store.counts.byKind().get(HANDLER_KIND) ?? 0) : 0,
      handlers_by_kind: Object.fromEntries(byKind),
      median_result_seconds: quantile(durations, 0.5) ?? null,
    };
  }

  #provider(row: ProviderRow, present: ReadonlyMap<string, ReadonlySet<number> | "all">): Json {
    const { pubkey, kind, handlers, working, failed, answered } = row;
    const profile = profileOfRequest(kind);
    const kinds =
      profile === undefined ? [] : [resultKindOf(profile, kind), ...profile.feedback.map((one) => one.kind)];
    const listened = present.get(pubkey);
    const ended = answered + failed;
    return {
      pubkey,
      kind,
      handlers,
      connected: listened !== undefined,
      listening: listened === "all" || listened?.has(kind) === true,
      working,
      failed,
      answered,
      success_rate: ended === 0 ? null : answered / ended,
      feedback_p50: quantile(row.feedback, 0.5),
      feedback_p95: quantile(row.feedback, 0.95),
      result_p50: quantile(row.result, 0.5),
      result_p95: quantile(row.result, 0.95),
      last_seen_at: this.#deps.store.ledger.lastSeen(pubkey, kinds),
    };
  }

  /** Of these keys, those that are logged in, and what each listens to. */
  #present(keys: ReadonlySet<string>): Map<string, ReadonlySet<number> | "all"> {
    const connections = new Map<string, Connection[]>([...keys].map((key) => [key, []]));
    for (const connection of this.#deps.connections) {
      for (const key of connection.authed) connections.get(key)?.push(connection);
    }
    const present = [...connections].filter(([, ofKey]) => ofKey.length > 0);
    return new Map(present.map(([key, ofKey]) => [key, kindsListenedTo(ofKey)]));
  }

  #isShown({ id, kind, customer }: ListedJob): boolean {
    const { lists } = this.#deps;
    return this.#isKind(kind) && !lists.has("erasing", customer) && !lists.has("erasing", id);
  }

  /** Whether neither requests of this kind nor what answers them are private. */
  #isKind(kind: number): boolean {
    const { privateKinds } = this.#deps.config;
    const profile = profileOfRequest(kind);
    if (profile === undefined || privateKinds.has(kind) || privateKinds.has(resultKindOf(profile, kind))) return false;
    return !profile.feedback.some((one) => privateKinds.has(one.kind));
  }
}

function jobOf(job: ListedJob): Json {
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    customer: job.customer,
    created_at: job.made,
    expires_at: job.deadline,
    provider: job.provider,
    feedback_seconds: job.feedback,
    result_seconds: job.result,
    amount_msat: job.amount,
    is_stored: job.end === "live",
  };
}

/** The states by number; what is past its deadline has expired, also where the tallies do not know yet. */
function atMoment(states: ReadonlyMap<string, number>, open: OpenJobs | undefined): Map<string, number> {
  const now = new Map(states);
  for (const [state, count] of open?.expired ?? []) {
    now.set(state, (now.get(state) ?? 0) - count);
    now.set("expired", (now.get("expired") ?? 0) + count);
  }
  return new Map([...now].filter(([, count]) => count > 0));
}

/** Jobs that can still come to something: what was looked at, where that was all; else what the states at the moment say. */
function waiting(
  now: ReadonlyMap<string, number>,
  found: OpenJobs | undefined,
  isWhole: boolean,
): Pick<OpenJobs, "open" | "claimed" | "late"> {
  if (isWhole) return { open: found?.open ?? 0, claimed: found?.claimed ?? 0, late: found?.late ?? 0 };
  const sum = (...states: ProviderState[]) => states.reduce((total, state) => total + (now.get(state) ?? 0), 0);
  return {
    open: sum("requested", "error"),
    claimed: sum("payment-required", "processing", "partial"),
    late: Math.max(0, sum("requested") - (found?.fresh ?? 0)),
  };
}
