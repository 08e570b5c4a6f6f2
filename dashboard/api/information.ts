import { httpUrl } from "./place.ts";

/** What the relay says of itself (NIP-11). */
export interface Information {
  name: string;
  description?: string;
  pubkey?: string;
  /** The relay's own key; with it the relay keeps members (NIP-43). */
  self?: string;
  contact?: string;
  icon?: string;
  banner?: string;
  terms_of_service?: string;
  /** Nobody operates the relay yet. */
  claimable?: boolean;
  /** Who may do what, in words. */
  access: { read: string; write: string };
  supported_nips: number[];
  software: string;
  version: string;
  limitation: Readonly<Record<string, number | boolean>>;
}

/** What anybody may know (R-08-06). */
export interface Totals {
  version: string;
  uptime_seconds?: number;
  awake_since?: number;
  connections: number;
  authenticated_connections: number;
  subscriptions: number;
  events_total: number;
  events_by_kind: Readonly<Record<string, number>>;
  storage_full: boolean;
  /** For admins only. */
  storage_bytes?: number;
  dvm: {
    requests: number;
    requests_by_kind: Readonly<Record<string, number>>;
    results: number;
    feedback: number;
    handlers: number;
  };
}

/** The NIP-11 document. Throws {@link ApiError}. */
export function information(): Promise<Information> {
  return read(httpUrl, "application/nostr+json");
}

/** `/api/stats`. Throws {@link ApiError}. */
export function totals(): Promise<Totals> {
  return read(new URL("/api/stats", httpUrl).href, "application/json");
}

/** What went wrong, in words for the person at the page. */
export class ApiError extends Error {
  /** Of the answer; 0 if there was none. */
  readonly status: number;

  constructor(message: string, status = 0) {
    super(message);
    this.status = status;
  }
}

/** Fetches, and throws {@link ApiError} where nobody answers within half a minute. */
export async function ask(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, cache: "no-store", signal: AbortSignal.timeout(30_000) });
  } catch {
    throw new ApiError("The relay does not answer. Check your connection, then try again.");
  }
}

async function read<T>(url: string, accept: string): Promise<T> {
  const response = await ask(url, { headers: { Accept: accept } });
  if (!response.ok) throw new ApiError(`The relay answers with ${response.status}.`, response.status);
  return (await response.json()) as T;
}
