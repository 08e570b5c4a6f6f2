import type { Event } from "../event.ts";
import { isHex64 } from "../text.ts";
import { jobRole } from "./job.ts";
import { feedbackOf, PROFILES, type ProviderState } from "./profile.ts";

/** Jobs that one result or feedback is evidence of at most. */
const MAX_JOBS = 4;

/** What one event says about a job. */
export interface Evidence {
  readonly id: string;
  readonly provider: string;
  readonly created_at: number;
  readonly kind: number;
  readonly isResult: boolean;
  readonly state: ProviderState;
  /** For whom it is, as far as it says so. */
  readonly customer: string | undefined;
  /** What is asked for it, in millisatoshis. */
  readonly amount: number | undefined;
}

/** What an event is evidence of: itself, and the ids of up to four jobs that it names (R-07-07). */
export interface Testimony {
  readonly evidence: Evidence;
  readonly jobs: readonly string[];
}

/** What a result or feedback says, and about which jobs; undefined if the event is neither. */
export function testimonyOf(event: Event, profiles = PROFILES): Testimony | undefined {
  const role = jobRole(event, profiles);
  if (role !== "result" && role !== "feedback") return undefined;
  const isResult = role === "result";
  const state = isResult ? "success" : feedbackOf(event.kind, event.tags, profiles);
  if (state === undefined || state === "requested") return undefined;
  const jobs = new Set<string>();
  for (const [name, value] of event.tags) {
    if (name === "e" && isHex64(value)) jobs.add(value);
    if (jobs.size === MAX_JOBS) break;
  }
  const { id, pubkey: provider, created_at, kind } = event;
  const customer = event.tags.find(([name, value]) => name === "p" && isHex64(value))?.[1];
  return {
    jobs: [...jobs],
    evidence: { id, provider, created_at, kind, isResult, state, customer, amount: amountOf(event) },
  };
}

/** Millisatoshis of the first `amount`; undefined without one, or if no number can hold it. */
function amountOf({ tags }: Event): number | undefined {
  const text = tags.find(([name]) => name === "amount")?.[1];
  const amount = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(amount) ? amount : undefined;
}
