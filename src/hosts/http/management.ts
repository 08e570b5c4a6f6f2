import { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import type { Event } from "../../protocol/event.ts";
import { checkHttpAuth, parseHttpAuth, payloadOf } from "../../protocol/http-auth.ts";
import { accepts } from "../../protocol/info.ts";
import { INTERNAL_ERROR, type Reason } from "../../protocol/reason.ts";
import { spend } from "../../relay/manage/spent.ts";
import type { Running } from "../assemble.ts";

const RPC = "application/nostr+json+rpc";

/** Bytes of a request's body at most (R-08-08). */
const MAX_BODY = 1 << 20;

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
 * What Cloudflare checks before the object is asked, so that nobody wakes it with less: the size of the body, which is read
 * here, and that there is a NIP-98 event at all.
 */
export async function forManagement(request: Request): Promise<Request | Response> {
  if (isTooLarge(request)) return failure(413, TOO_LARGE);
  const parsed = parseHttpAuth(request.headers.get("Authorization"));
  if (!parsed.ok) return failure(401, parsed.reason);
  const body = await read(request.body);
  return body === undefined ? failure(413, TOO_LARGE) : new Request(request, { body });
}

/** Answers a request for management (R-05-72). Reads no body of somebody who is no admin. Never throws. */
export async function manage(request: Request, running: Running): Promise<Response> {
  try {
    if (isTooLarge(request)) return failure(413, TOO_LARGE);
    const parsed = parseHttpAuth(request.headers.get("Authorization"));
    if (!parsed.ok) return failure(401, parsed.reason);
    const refusal = refuseCaller(request, parsed.value, payloadOf(parsed.value), running);
    if (refusal !== undefined) return refusal;
    const checked = VerifiedEvent.check(parsed.value, running.crypto);
    if (!checked.ok) return failure(401, checked.reason);
    if (!running.management.mayCall(parsed.value.pubkey, "supportedmethods")) return failure(403, NO_ADMIN);
    const body = await read(request.body);
    if (body === undefined) return failure(413, TOO_LARGE);
    const bodyHash = await sha256(body);
    // From here on all in one turn: what is checked is still so when it is acted on.
    running.relay.settle();
    return refuseCaller(request, parsed.value, bodyHash, running) ?? call(parsed.value, body, running);
  } catch (error) {
    running.host.report("management failed", { error: String(error) });
    return failure(500, INTERNAL_ERROR);
  }
}

/** Why the event does not authorize this request, its signature aside. */
function refuseCaller(
  request: Request,
  event: Event,
  bodyHash: string,
  { config, host }: Running,
): Response | undefined {
  const { search } = new URL(request.url);
  const urls = config.managementUrls.map((url) => Object.assign(new URL(url), { search, hash: "" }).href);
  const now = host.clock.nowSeconds();
  const refusal = checkHttpAuth(event, { method: request.method, urls, bodyHash, now });
  return refusal === undefined ? undefined : failure(401, refusal);
}

/** Does what an authorized request asks for. */
function call(event: Event, body: Uint8Array<ArrayBuffer>, { access, host, management }: Running): Response {
  const caller = event.pubkey;
  if (!management.mayCall(caller, "supportedmethods")) return failure(403, NO_ADMIN);
  const parsed = parseCall(body);
  if (parsed === undefined) return failure(400, "invalid: the body is not JSON with a method and an array of params");
  if (!management.mayCall(caller, parsed.method)) return failure(403, "restricted: this key may not call this method");
  const spent = spend(event, access, host.clock.nowSeconds());
  if (spent !== undefined) return failure(spent.startsWith("rate-limited") ? 429 : 401, spent);
  const told = {};
  const result = management.call(caller, parsed.method, parsed.params, told);
  return Response.json(result.ok ? { result: result.value, ...told } : { result: null, error: result.reason });
}

const NO_ADMIN: Reason = "restricted: this key is no admin's";
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
async function read(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array<ArrayBuffer> | undefined> {
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

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
