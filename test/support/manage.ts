import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { EventTemplate } from "nostr-tools/pure";
import { admin, type Key, signed } from "./keys.ts";

export const HTTP_URL = "https://nexus.openagents.com/";
export const RPC = "application/nostr+json+rpc";

/** The NIP-98 event for a POST of `body`; `template` replaces what is to be wrong. */
export function authorization(
  by: Key,
  body: string | Uint8Array,
  url = HTTP_URL,
  template: Partial<EventTemplate> = {},
) {
  const bytes = typeof body === "string" ? utf8ToBytes(body) : body;
  const tags = [
    ["u", url],
    ["method", "POST"],
    ["payload", bytesToHex(sha256(bytes))],
    // Two calls within a second are two events.
    ["nonce", crypto.randomUUID()],
  ];
  return signed(by, { kind: 27235, tags, ...template });
}

/** The header of NIP-98: the scheme, and the event in padded base64. */
export function headerOf(event: unknown): string {
  return `Nostr ${btoa(String.fromCharCode(...utf8ToBytes(JSON.stringify(event))))}`;
}

export interface Answer {
  status: number;
  result?: unknown;
  error?: string;
  /** Events that a ban hides. */
  hidden?: number;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Posts to the relay; without `header` with a right one of the operator. */
export async function post(
  fetch: Fetch,
  body: string | Uint8Array,
  { header = headerOf(authorization(admin, body)), url = HTTP_URL, headers = { "Content-Type": RPC } as object } = {},
): Promise<Response> {
  const authorized = { ...headers, ...(header !== "" && { Authorization: header }) };
  return fetch(url, { method: "POST", body: body as BodyInit, headers: authorized });
}

/** Calls methods as one admin. */
export function caller(fetch: Fetch, by: Key = admin, url = HTTP_URL) {
  return async (method: string, ...params: unknown[]): Promise<Answer> => {
    const body = JSON.stringify({ method, params });
    const response = await post(fetch, body, { header: headerOf(authorization(by, body, url)), url });
    return { status: response.status, ...((await response.json()) as object) };
  };
}
