import type { JobState } from "../../src/protocol/job/profile.ts";
import { callAll } from "../api/management.ts";
import { sign } from "../session/session.ts";

/** States in words. */
export const STATE_WORDS: Readonly<Record<JobState, string>> = {
  requested: "not answered",
  error: "failed",
  "payment-required": "payment asked",
  processing: "in work",
  partial: "partly done",
  success: "done",
  cancelled: "cancelled",
  expired: "expired",
};

/** A job, as `listjobs` tells it. Times in Unix seconds, durations in seconds. */
export interface Job {
  readonly id: string;
  readonly kind: number;
  readonly state: JobState;
  readonly customer: string;
  readonly created_at: number;
  readonly expires_at?: number | null;
  readonly provider?: string | null;
  readonly feedback_seconds?: number | null;
  readonly result_seconds?: number | null;
  readonly amount_msat?: number | null;
  readonly is_stored: boolean;
}

/** One event of a job's history. */
export interface Step {
  readonly id: string;
  readonly role: string;
  readonly kind: number;
  readonly pubkey: string;
  readonly created_at: number;
  readonly status?: JobState;
  readonly amount_msat?: number;
  /** What a request is about, and what a feedback says besides its status. */
  readonly extra?: string;
  readonly content: string;
}

/** Jobs of one kind. */
export interface KindSummary {
  readonly kind: number;
  readonly states: Readonly<Partial<Record<JobState, number>>>;
  readonly open: number;
  readonly claimed: number;
  readonly late: number;
  readonly expiring: number;
  readonly handlers: number;
  readonly result_p50?: number | null;
  readonly result_p95?: number | null;
}

/** A provider of one kind. */
export interface Provider {
  readonly pubkey: string;
  readonly kind: number;
  readonly connected: boolean;
  readonly listening: boolean;
  readonly working: number;
  readonly failed: number;
  readonly answered: number;
  readonly success_rate: number | null;
  readonly feedback_p50?: number | null;
  readonly result_p50?: number | null;
  readonly result_p95?: number | null;
  readonly last_seen_at?: number | null;
}

/** Which jobs are asked for. */
export type JobFilter = Readonly<{ kind?: number; state?: JobState; provider?: string; customer?: string }>;

async function ask<T>(method: string, ...params: unknown[]): Promise<T> {
  return (await callAll<T>(sign, method, params)).result;
}

export const jobSummary = () => ask<KindSummary[]>("jobsummary");

export const listJobs = (limit: number, after: string | undefined, filter: JobFilter) =>
  ask<{ jobs: Job[]; next?: string }>("listjobs", limit, after ?? null, filter);

export const listProviders = (limit: number, after: string | undefined) =>
  ask<{ providers: Provider[]; next?: string }>("listproviders", limit, after ?? null);

export const findJob = (id: string) => ask<(Job & { timeline: Step[] }) | null>("job", id);

/** Seconds in words, also parts of one; a dash for none. */
export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value < 120) return `${Number(value.toFixed(value < 10 ? 1 : 0))} s`;
  return value < 7200 ? `${Math.round(value / 60)} min` : `${Math.round(value / 3600)} h`;
}

/** Millisatoshis in satoshis. */
export function sats(msat: number): string {
  return `${Number((msat / 1000).toFixed(3))} sats`;
}
