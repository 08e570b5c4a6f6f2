import type { Event } from "./event.ts";

export type KindClass = "regular" | "replaceable" | "ephemeral" | "addressable";

/** Storage class of a kind (reference section 4). Kinds that NIP-01 leaves open are regular (R-04-01). */
export function kindClass(kind: number): KindClass {
  if (kind === 0 || kind === 3 || (kind >= 10000 && kind < 20000)) return "replaceable";
  if (kind >= 20000 && kind < 30000) return "ephemeral";
  if (kind >= 30000 && kind < 40000) return "addressable";
  return "regular";
}

/** NIP-42: an AUTH event is never published, stored or sent on (R-05-60). */
export const AUTH_KIND = 22242;

/** NIP-56: a report about keys and events. */
export const REPORT_KIND = 1984;

/** Value of the first `d` tag; a missing tag and a tag without value are the empty string (R-04-04). */
export function dValue(tags: string[][]): string {
  return tags.find((tag) => tag[0] === "d")?.[1] ?? "";
}

/** The parts of an address `kind:pubkey:d`; undefined for kinds that are not replaced (R-04-06). */
export interface Address {
  kind: number;
  pubkey: string;
  d: string;
}

export function addressOf(event: Event): Address | undefined {
  const kind = kindClass(event.kind);
  if (kind === "replaceable") return { kind: event.kind, pubkey: event.pubkey, d: "" };
  if (kind === "addressable") return { kind: event.kind, pubkey: event.pubkey, d: dValue(event.tags) };
  return undefined;
}

/** NIP-43: requests to the relay itself, which it never passes on (R-03-28). */
export const JOIN_KIND = 28934;
export const LEAVE_KIND = 28936;

/** NIP-43: what the relay says of its members, and the invite that it makes for whoever asks. */
export const MEMBERS_KIND = 13534;
export const ROLE_KIND = 33534;
export const MEMBER_ADDED_KIND = 8000;
export const MEMBER_REMOVED_KIND = 8001;
export const INVITE_KIND = 28935;

/** Kinds that nobody but the relay publishes where it keeps members (R-05-63). */
export const RELAY_KINDS: ReadonlySet<number> = new Set([
  MEMBERS_KIND,
  ROLE_KIND,
  MEMBER_ADDED_KIND,
  MEMBER_REMOVED_KIND,
  INVITE_KIND,
]);

type Version = { created_at: number; id: string };

/** Whether version `a` of an address wins over `b`: the newer one, on a tie the lower id (R-04-02). */
export function supersedes(a: Version, b: Version): boolean {
  return a.created_at > b.created_at || (a.created_at === b.created_at && a.id < b.id);
}
