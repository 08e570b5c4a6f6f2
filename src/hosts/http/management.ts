import type { Crypto } from "../../protocol/crypto/secp256k1.ts";
import { VerifiedEvent } from "../../protocol/crypto/verify.ts";
import type { Event } from "../../protocol/event.ts";
import { checkHttpAuth, parseHttpAuth, payloadOf } from "../../protocol/http-auth.ts";
import { accepts } from "../../protocol/info.ts";
import { INTERNAL_ERROR, type Reason, type Result } from "../../protocol/reason.ts";
import type { Outcome } from "../../relay/errand.ts";
import type { Running } from "../assemble.ts";

const RPC = "application/nostr+json+rpc";

/** Bytes of a request's body at most (R-08-08), and its time in milliseconds. */
const MAX_BODY = 1 << 21;
const BODY_MS = 5000;

/** Bytes of the body of a key that is no admin's, which can only be a claim (R-05-85). */
const MAX_CLAIM = 1024;

/** Bodies that are being read, and how many are at a time. */
interface Places {
  readonly maxBytes: number;
  readonly count: number;
  taken: number;
}

/** Small bodies have places of their own: strangers, while the relay may be claimed, neither take nor lack those of admins. */
const LARGE: Places = { maxBytes: MAX_BODY, count: 16, taken: 0 };
const SMALL: Places = { maxBytes: MAX_CLAIM, count: 256, taken: 0 };

/** Whether a POST is for management: by its Content-Type (R-08-09) or, as some clients have it, by Accept. */
export function isManagement({ headers }: Request): boolean {
  const contentType = headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  return contentType === RPC || accepts(headers.get("Accept"), RPC);
}

/** Whether a request says itself that its body is larger than any may be (R-08-08). */
export function isTooLarge({ headers }: Request): boolean {
  return Number(headers.get("Content-Length")) > MAX_BODY;
}

/** What an authorization is checked against. */
export interface Authority {
  relayUrls: readonly string[];
  crypto: Crypto;
  /** Unix time in seconds. */
  now: () => number;
}

/** What Cloudflare checks before the object is asked, so that nobody wakes it with less; the body is read here, whoever sends it. */
export async function forManagement(request: Request, authority: Authority): Promise<Request | Response> {
  const event = authorize(request, authority);
  if (event instanceof Response) return event;
  const length = request.headers.get("Content-Length");
  const body = await readBody(request.body, length !== null && Number(length) <= MAX_CLAIM ? SMALL : LARGE);
  return body instanceof Response ? body : new Request(request, { body });
}

/** Answers a request for management (R-05-72). Of somebody who is no admin it reads no body but that of a claim. Never throws. */
export async function manage(request: Request, running: Running): Promise<Response> {
  const { config, crypto, host, management, relay } = running;
  const authority = { relayUrls: config.managementUrls, crypto, now: () => host.clock.nowSeconds() };
  try {
    const event = authorize(request, authority);
    if (event instanceof Response) return event;
    if (!mayCallAny(event.pubkey, management)) return failure(403, NO_ADMIN);
    const body = await readBody(request.body, isAdmin(event.pubkey, management) ? LARGE : SMALL);
    if (body instanceof Response) return body;
    const bodyHash = await sha256(body);
    // From here on all in one turn: what is checked is still so when it is acted on.
    relay.commitAll();
    return refuseCaller(request, event, bodyHash, authority) ?? (await call(event, body, running));
  } catch (error) {
    host.report("management failed", { error: String(error) });
    return failure(500, INTERNAL_ERROR);
  }
}

/** The event that authorizes a request, its body not looked at; or the refusal. */
function authorize(request: Request, authority: Authority): Event | Response {
  if (isTooLarge(request)) return tooLarge(MAX_BODY);
  const parsed = parseHttpAuth(request.headers.get("Authorization"));
  if (!parsed.ok) return failure(401, parsed.reason);
  const bodyHash = request.method === "POST" ? payloadOf(parsed.value) : undefined;
  const refusal = refuseCaller(request, parsed.value, bodyHash, authority);
  if (refusal !== undefined) return refusal;
  const checked = VerifiedEvent.check(parsed.value, authority.crypto);
  return checked.ok ? parsed.value : failure(401, checked.reason);
}

/** Why the event does not authorize this request, its signature aside. */
function refuseCaller(
  { url, method }: Request,
  event: Event,
  bodyHash: string | undefined,
  { relayUrls, now }: Authority,
): Response | undefined {
  const { search, pathname } = new URL(url);
  const path = method === "POST" ? {} : { pathname };
  const urls = relayUrls.map((one) => Object.assign(new URL(one), { ...path, search, hash: "" }).href);
  const refusal = checkHttpAuth(event, { method, urls, bodyHash, now: now() });
  return refusal === undefined ? undefined : failure(401, refusal);
}

/** Does what an authorized request asks for. */
async function call(
  event: Event,
  body: Uint8Array<ArrayBuffer>,
  { actions, management, relay }: Running,
): Promise<Response> {
  const caller = event.pubkey;
  if (!mayCallAny(caller, management)) return failure(403, NO_ADMIN);
  const parsed = parseCall(body);
  if (parsed === undefined) return failure(400, "invalid: the body is not JSON with a method and an array of params");
  if (!management.mayCall(caller, parsed.method)) return failure(403, NOT_GRANTED);
  const action = Object.hasOwn(actions, parsed.method) ? actions[parsed.method] : undefined;
  const steps = action === undefined ? management.begin(caller, parsed.method, parsed.params) : undefined;
  if (action !== undefined || steps !== undefined) {
    const used = management.refuseUsed(event, parsed.method, action?.isChange);
    if (used !== undefined) return unusable(used);
  }
  if (action !== undefined) {
    const result = await action.run(parsed.params);
    if (action.isChange && result.ok) management.recordAction(caller, parsed.method, parsed.params);
    return jsonOf(result);
  }
  if (steps !== undefined) return jsonOf(await endOf((done) => relay.perform(steps, done)));
  const told = {};
  const result = management.callOnce(event, parsed.method, parsed.params, told);
  return typeof result === "string" ? unusable(result) : jsonOf(result, told);
}

/** The refusal of an authorization that was used before, or of one too many. */
function unusable(reason: Reason): Response {
  return failure(reason.startsWith("rate-limited") ? 429 : 401, reason);
}

/**
 * Answers a GET that asks several methods, none of which changes anything: `body` makes the answer of their results, by
 * name. One authorization covers them. Never throws.
 */
export function answerCalls(
  request: Request,
  running: Running,
  calls: Readonly<Record<string, readonly unknown[]>>,
  body: (results: Readonly<Record<string, unknown>>) => object,
): Response {
  const { config, crypto, host, management, relay } = running;
  try {
    const authority = { relayUrls: config.managementUrls, crypto, now: () => host.clock.nowSeconds() };
    const event = authorize(request, authority);
    if (event instanceof Response) return event;
    if (!isAdmin(event.pubkey, management)) return failure(403, NO_ADMIN);
    if (!Object.keys(calls).every((name) => management.mayCall(event.pubkey, name))) return failure(403, NOT_GRANTED);
    relay.commitAll();
    const results: Record<string, unknown> = {};
    for (const [name, params] of Object.entries(calls)) {
      const result = management.callOnce(event, name, params);
      if (typeof result === "string") return failure(429, result);
      if (!result.ok) return failure(400, result.reason);
      results[name] = result.value;
    }
    // Pages of one address have different answers for different keys.
    return Response.json(body(results), { headers: { "Cache-Control": "no-store" } });
  } catch (error) {
    host.report("management failed", { error: String(error) });
    return failure(500, INTERNAL_ERROR);
  }
}

function jsonOf(result: Result<unknown>, told = {}): Response {
  return Response.json(result.ok ? { result: result.value, ...told } : { result: null, error: result.reason });
}

/** Waits for work that takes several turns. Throws what it throws. */
async function endOf<T>(perform: (done: (outcome: Outcome<T>) => void) => void): Promise<T> {
  const outcome = await new Promise<Outcome<T>>(perform);
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

function isAdmin(caller: string, management: Running["management"]): boolean {
  return management.mayCall(caller, "supportedmethods");
}

function mayCallAny(caller: string, management: Running["management"]): boolean {
  return isAdmin(caller, management) || management.mayCall(caller, "claim");
}

const NO_ADMIN: Reason = "restricted: this key is no admin's, ask an operator";
const NOT_GRANTED: Reason = "restricted: this key may not call this method, ask an operator for it";
const BUSY: Reason = "rate-limited: too many requests are being read, retry=1";
const LATE: Reason = `invalid: the body has not come within ${BODY_MS / 1000} seconds`;

function tooLarge(maxBytes: number): Response {
  return failure(413, `invalid: the body is larger than ${maxBytes} bytes`);
}

function failure(status: number, error: Reason): Response {
  const headers: Record<string, string> = {};
  if (status === 401) headers["WWW-Authenticate"] = "Nostr";
  if (status === 503) headers["Retry-After"] = "1";
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

/** The whole body of a request; the refusal as soon as it is too large, too late, or one too many. */
async function readBody(
  stream: ReadableStream<Uint8Array> | null,
  places: Places,
): Promise<Uint8Array<ArrayBuffer> | Response> {
  if (places.taken >= places.count) return failure(503, BUSY);
  places.taken++;
  const reader = stream?.getReader();
  const late = Promise.withResolvers<Response>();
  const timer = setTimeout(() => late.resolve(failure(408, LATE)), BODY_MS);
  const whole = read(reader, places.maxBytes);
  // Of one that is late nobody waits for the end, which may be an error.
  whole.catch(() => {});
  try {
    return await Promise.race([whole, late.promise]);
  } finally {
    clearTimeout(timer);
    places.taken--;
    // Nothing more is read of what is given up.
    reader?.cancel().catch(() => {});
  }
}

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | Response> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done = true, value } = (await reader?.read()) ?? {};
    if (done || value === undefined) break;
    size += value.length;
    if (size > maxBytes) return tooLarge(maxBytes);
    chunks.push(value);
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
