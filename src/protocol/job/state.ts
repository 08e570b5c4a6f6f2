import type { Event } from "../event.ts";
import { expirationOf } from "../event.ts";
import type { Evidence } from "./evidence.ts";
import {
  type JobState,
  PROFILES,
  PROVIDER_STATES,
  type ProviderState,
  profileOfRequest,
  resultKindOf,
} from "./profile.ts";

/** Seconds after which a job without a result has expired (R-07-09). */
export const JOB_SECONDS = 86_400;

/** What is known of a request. */
export interface JobFacts {
  readonly kind: number;
  readonly customer: string;
  /** Unix seconds. */
  readonly made: number;
  /** When it expires without a result, in Unix seconds. */
  readonly deadline: number;
}

/** What one provider has made of a job. */
export interface Claim {
  readonly state: ProviderState;
  /** Seconds from the request to its first feedback, and to its first result. */
  readonly feedback: number | undefined;
  readonly result: number | undefined;
}

/** What all evidence of a job comes to. */
export interface Derived {
  readonly state: ProviderState;
  readonly claims: ReadonlyMap<string, Claim>;
  /** Seconds from the request to the first feedback and to the first result of anybody. */
  readonly feedback: number | undefined;
  readonly result: number | undefined;
  /** Whose evidence decides, and what is asked there, in millisatoshis (R-07-11). */
  readonly provider: string | undefined;
  readonly amount: number | undefined;
}

/** How a request has ended: it is there, its time is over, or its author has deleted it. */
export type JobEnd = "live" | "gone" | "cancelled";

/** What a request says. */
export function factsOf(request: Event): JobFacts {
  const { kind, pubkey, created_at: made } = request;
  const expiration = expirationOf(request) ?? Number.POSITIVE_INFINITY;
  return { kind, customer: pubkey, made, deadline: Math.min(made + JOB_SECONDS, expiration) };
}

/** The state of a job at a time, in Unix seconds (R-07-09). */
export function stateAt(derived: ProviderState, end: JobEnd, deadline: number, now: number): JobState {
  if (derived === "success") return derived;
  if (end === "cancelled") return end;
  return end === "gone" || now >= deadline ? "expired" : derived;
}

/** How good a state is: the best of all providers is that of the job (R-07-08). */
export function rankOf(state: ProviderState): number {
  return PROVIDER_STATES.indexOf(state);
}

/** Of one provider, what decides. */
interface Newest {
  any: Evidence;
  result: Evidence | undefined;
  error: Evidence | undefined;
  feedback: number | undefined;
  firstResult: number | undefined;
}

/**
 * What evidence comes to, in whatever order it is given (R-07-07 to R-07-12). What is for another customer, or is of a kind
 * that does not answer this request, does not count.
 */
export function deriveJob(facts: JobFacts, evidence: Iterable<Evidence>, profiles = PROFILES): Derived {
  const providers = new Map<string, Newest>();
  const profile = profileOfRequest(facts.kind, profiles);
  const resultKind = profile && resultKindOf(profile, facts.kind);
  for (const one of evidence) {
    const { provider, customer, kind, isResult, created_at } = one;
    if (customer !== undefined && customer !== facts.customer) continue;
    if (isResult ? kind !== resultKind : !profile?.feedback.some((feedback) => feedback.kind === kind)) continue;
    const known = providers.get(provider);
    const seconds = Math.max(0, created_at - facts.made);
    providers.set(provider, {
      any: newer(known?.any, one),
      result: isResult ? newer(known?.result, one) : known?.result,
      error: one.state === "error" ? newer(known?.error, one) : known?.error,
      feedback: isResult ? known?.feedback : least(known?.feedback, seconds),
      firstResult: isResult ? least(known?.firstResult, seconds) : known?.firstResult,
    });
  }
  const claims = new Map<string, Claim>();
  let best: Evidence | undefined;
  let [feedback, result]: (number | undefined)[] = [];
  for (const [provider, newest] of providers) {
    const decisive = decisiveOf(newest);
    claims.set(provider, { state: decisive.state, feedback: newest.feedback, result: newest.firstResult });
    feedback = least(feedback, newest.feedback);
    result = least(result, newest.firstResult);
    const difference = best === undefined ? 1 : rankOf(decisive.state) - rankOf(best.state);
    if (difference > 0 || (difference === 0 && newer(best, decisive) === decisive)) best = decisive;
  }
  const state = best?.state ?? "requested";
  return { state, claims, feedback, result, provider: best?.provider, amount: best?.amount };
}

/** A result is final unless an error is newer; else the newest decides (R-07-07). */
function decisiveOf({ any, result, error }: Newest): Evidence {
  return result !== undefined && (error === undefined || newer(result, error) === result) ? result : any;
}

/** Of two, the one that was made later; of one second, that with the lower id. */
function newer(a: Evidence | undefined, b: Evidence): Evidence {
  if (a === undefined) return b;
  if (a.created_at !== b.created_at) return a.created_at > b.created_at ? a : b;
  return a.id <= b.id ? a : b;
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}
