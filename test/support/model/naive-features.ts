import type { Event } from "nostr-tools/pure";
import { RELAY_URL } from "../client.ts";

/** Rules of sections 5 and 7.1 of the reference in their plainest form. They share no code with the relay. */

export const DELETION = 5;
export const VANISH = 62;
export const WRAP = 1059;

/** Defaults of reference 6.7, in seconds. */
const CREATED_AT_UPPER_LIMIT = 900;
export const RETENTION_JOB = 86400;
export const RETENTION_RESULT = 604800;

const HEX = /^[0-9a-f]{64}$/;

/** The values of all tags of a name. */
function valuesOf({ tags }: Event, name: string): (string | undefined)[] {
  return tags.filter((tag) => tag[0] === name).map((tag) => tag[1]);
}

/** R-05-13: seconds, or NaN if it cannot be read; undefined without the tag. */
function expirationOf(event: Event): number | undefined {
  const values = valuesOf(event, "expiration");
  if (values.length === 0) return undefined;
  return /^[0-9]+$/.test(values[0] ?? "") ? Number(values[0]) : Number.NaN;
}

/** R-05-14, R-05-15. */
export function isExpired(event: Event, now: number): boolean {
  const at = expirationOf(event);
  return at !== undefined && now >= at;
}

/** R-07-02: whether an event of a kind of jobs has the shape of a job. */
function isJobByShape(event: Event): boolean {
  const names = event.tags.map(([name]) => name);
  const isAmong = (list: string) => names.some((name) => name !== undefined && list.split(" ").includes(name));
  const isHex = (value: string | undefined) => HEX.test(value ?? "");
  if (event.kind < 6000) return names.length === 0 || isAmong("i output param bid relays p t encrypted expiration");
  if (isAmong(event.kind === 7000 ? "status" : "request")) return true;
  return valuesOf(event, "e").some(isHex) && valuesOf(event, "p").some(isHex) && !isAmong("poll_option");
}

/** R-07-02: whether an event asks for a job. */
export function isRequest(event: Event): boolean {
  return event.kind >= 5000 && event.kind <= 5999 && event.kind !== 5128 && isJobByShape(event);
}

/** R-07-01, R-07-02. */
export function isPastRetention(event: Event, now: number): boolean {
  const { kind, created_at } = event;
  if (kind === 5128 || kind === 6128) return false;
  const isJob = (kind >= 5000 && kind <= 5999) || kind === 7000;
  const isResult = kind >= 6000 && kind <= 6999;
  if ((!isJob && !isResult) || !isJobByShape(event)) return false;
  return now >= created_at + (isJob ? RETENTION_JOB : RETENTION_RESULT);
}

/** Neither expired nor past its retention. */
export function isCurrent(event: Event, now: number): boolean {
  return !isExpired(event, now) && !isPastRetention(event, now);
}

/** Steps 6 to 8 of R-02-12: the prefixes with which the event may be refused; none if it may not. */
export function refusalsOf(event: Event, now: number, authed: Set<string>): string[] {
  if (event.created_at > now + CREATED_AT_UPPER_LIMIT) return ["invalid"];
  if (isExpired(event, now) || Number.isNaN(expirationOf(event))) return ["invalid"];
  if (isPastRetention(event, now)) return ["invalid"];
  if (event.kind === 22242) return ["invalid"];
  const refusals = [];
  if (isProtected(event.tags) && !authed.has(event.pubkey)) refusals.push("restricted");
  if ((event.kind === 6 || event.kind === 16) && embedsProtected(event.content)) refusals.push("blocked");
  return refusals;
}

/** R-05-25. */
function isProtected(tags: unknown): boolean {
  return Array.isArray(tags) && tags.some((tag) => Array.isArray(tag) && tag[0] === "-");
}

/** R-05-26. */
function embedsProtected(content: string): boolean {
  try {
    return isProtected(JSON.parse(content).tags);
  } catch {
    return false;
  }
}

/** Ids that a kind 5 names; what is malformed is skipped (R-05-06, R-05-09). */
export function namedIds(deletion: Event): string[] {
  return valuesOf(deletion, "e").filter((value) => value !== undefined && HEX.test(value)) as string[];
}

/** Addresses of its own author that a kind 5 names, in the form of `addressOf` (R-05-04, R-04-06). */
export function namedAddresses(deletion: Event): string[] {
  return valuesOf(deletion, "a").flatMap((value) => {
    const [kind = "", pubkey, ...d] = (value ?? "").split(":");
    if (!/^(0|[1-9][0-9]*)$/.test(kind) || pubkey !== deletion.pubkey) return [];
    const isReplaceable = kind === "0" || kind === "3" || (Number(kind) >= 10000 && Number(kind) < 20000);
    const isAddressable = Number(kind) >= 30000 && Number(kind) < 40000;
    const isNamed = (isAddressable && d.length > 0) || (isReplaceable && d.join(":") === "");
    return isNamed ? [`${kind}:${pubkey}:${d.join(":")}`] : [];
  });
}

/** R-05-09: a kind 5 that names an id or a key in upper-case hex. */
export function namesInCapitals(event: Event): boolean {
  const keys = valuesOf(event, "a").map((value) => value?.split(":")[1]);
  const named = [...valuesOf(event, "e"), ...valuesOf(event, "p"), ...keys];
  const isInCapitals = (value = "") => /^[0-9a-fA-F]{64}$/.test(value) && /[A-F]/.test(value);
  return event.kind === DELETION && named.some(isInCapitals);
}

/** R-05-02, R-05-03, R-05-23. */
export function mayDelete(deleter: string, target: Event): boolean {
  if (target.kind === DELETION || target.kind === VANISH) return false;
  return target.pubkey === deleter || isWrapFor(deleter, target);
}

export function isWrapFor(pubkey: string, { kind, tags }: Event): boolean {
  return kind === WRAP && tags.some((tag) => tag[0] === "p" && tag[1] === pubkey);
}

/** R-05-18; of the spellings that are normalised, those that sessions use. */
export function isForThisRelay(request: Event): boolean {
  const spellings = [RELAY_URL, `${RELAY_URL}/`, RELAY_URL.toUpperCase(), `${RELAY_URL}:443`];
  return valuesOf(request, "relay").some((value) => value === "ALL_RELAYS" || spellings.includes(value ?? ""));
}
