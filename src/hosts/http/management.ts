import type { Crypto } from "../../protocol/crypto/secp256k1.ts";
import { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { checkHttpAuth, parseHttpAuth } from "../../protocol/http-auth.ts";
import { accepts } from "../../protocol/info.ts";
import { INTERNAL_ERROR, type Reason } from "../../protocol/reason.ts";
import type { Access } from "../../relay/access/access.ts";
import type { Management } from "../../relay/manage/management.ts";
import { spend } from "../../relay/manage/spent.ts";
import type { Clock, Log } from "../../relay/ports.ts";

const RPC = "application/nostr+json+rpc";

/** Bytes of a request's body at most (R-08-08). */
const MAX_BODY = 1 << 20;

export interface ManagementDeps {
  access: Access;
  clock: Clock;
  crypto: Crypto;
  management: Management;
  /** Commits what was received before. */
  settle: () => Promise<void>;
  report: Log;
}

/** Whether a POST is for management: by its Content-Type (R-08-09) or, as some clients have it, by Accept. */
export function isManagement({ headers }: Request): boolean {
  const contentType = headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  return contentType === RPC || accepts(headers.get("Accept"), RPC);
}

/** Whether a request says itself that its body is larger than any may be (R-08-08). */
export function isTooLarge({ headers }: Request): boolean {
  return Number(headers.get("Content-Length")) > MAX_BODY;
}

/**
 * What is checked before the object is asked, so that nobody wakes it with less: the size of the body, which is read
 * here, and that there is a NIP-98 event at all.
 */
export async function forManagement(request: Request): Promise<Request | Response> {
  if (isTooLarge(request)) return failure(413, TOO_LARGE);
  const parsed = parseHttpAuth(request.headers.get("Authorization"));
  if (!parsed.ok) return failure(401, parsed.reason);
  const body = await read(request.body);
  return body === undefined ? failure(413, TOO_LARGE) : new Request(request, { body });
}

/** Answers a request that {@link forManagement} has let through (R-05-72). Never throws. */
export async function manage(request: Request, deps: ManagementDeps): Promise<Response> {
  try {
    return await answer(request, deps);
  } catch (error) {
    deps.report("management failed", { error: String(error) });
    return failure(500, INTERNAL_ERROR);
  }
}

async function answer(request: Request, deps: ManagementDeps): Promise<Response> {
  const { access, clock, crypto, management } = deps;
  const { config } = access;
  const parsed = parseHttpAuth(request.headers.get("Authorization"));
  if (!parsed.ok) return failure(401, parsed.reason);
  const body = new Uint8Array(await request.arrayBuffer());
  const bodyHash = await sha256(body);
  await deps.settle();
  // From here on all in one turn: what is checked is still so when it is acted on.
  const now = clock.nowSeconds();
  const { search } = new URL(request.url);
  const urls = config.relayUrls.map((url) => Object.assign(new URL(url), { search, hash: "" }).href);
  const refusal = checkHttpAuth(parsed.value, { method: request.method, urls, bodyHash, now });
  if (refusal !== undefined) return failure(401, refusal);
  const checked = VerifiedEvent.check(parsed.value, crypto);
  if (!checked.ok) return failure(401, checked.reason);
  const caller = checked.value.event.pubkey;
  if (!management.mayCall(caller, "supportedmethods")) return failure(403, "restricted: this key is no admin's");
  const call = parseCall(body);
  if (call === undefined) return failure(400, "invalid: the body is not JSON with a method and an array of params");
  if (!management.mayCall(caller, call.method)) return failure(403, "restricted: this key may not call this method");
  const spent = spend(checked.value.event, access, now);
  if (spent !== undefined) return failure(spent.startsWith("rate-limited") ? 429 : 401, spent);
  const result = management.call(caller, call.method, call.params);
  return Response.json(result.ok ? { result: result.value } : { result: null, error: result.reason });
}

const TOO_LARGE: Reason = `invalid: the body is larger than ${MAX_BODY} bytes`;

function failure(status: number, error: Reason): Response {
  const headers: Record<string, string> = status === 401 ? { "WWW-Authenticate": "Nostr" } : {};
  return Response.json({ result: null, error }, { status, headers });
}

function parseCall(body: Uint8Array): { method: string; params: unknown[] } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { method, params } = value as Record<string, unknown>;
  return typeof method === "string" && Array.isArray(params) ? { method, params } : undefined;
}

/** The whole body; undefined as soon as it is too large. */
async function read(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
