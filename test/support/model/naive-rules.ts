import type { Event } from "nostr-tools/pure";
import type { Filter } from "../client.ts";

/** Single rules of the reference in their plainest form. They share no code with the relay. */

/** R-05-28. */
const PRIVATE_KINDS = [4, 13, 14, 15, 1059, 21059];

/** Prefixes with which a filter may be refused; none if it is well formed (R-03-03, R-03-07, R-03-08). */
export function faultsOf(filter: Filter): ("invalid" | "unsupported")[] {
  return Object.entries(filter).flatMap(([key, value]) => {
    switch (key) {
      case "ids":
      case "authors":
        return isListOf(value, isHex) ? [] : ["invalid"];
      case "kinds":
        return isListOf(value, Number.isInteger) ? [] : ["invalid"];
      case "since":
      case "until":
        return Number.isInteger(value) ? [] : ["invalid"];
      case "limit":
        return Number.isInteger(value) && (value as number) >= 0 ? [] : ["invalid"];
    }
    if (!/^#[a-zA-Z]$/.test(key)) return ["unsupported"];
    const isItem = key === "#e" || key === "#p" ? isHex : (item: unknown) => typeof item === "string";
    return isListOf(value, isItem) ? [] : ["invalid"];
  });
}

/** All conditions but `limit` (R-03-01, R-03-22). */
export function naiveMatch(filter: Filter, event: Event): boolean {
  return Object.entries(filter).every(([key, wanted]) => {
    switch (key) {
      case "ids":
        return (wanted as string[]).includes(event.id);
      case "authors":
        return (wanted as string[]).includes(event.pubkey);
      case "kinds":
        return (wanted as number[]).includes(event.kind);
      case "since":
        return event.created_at >= (wanted as number);
      case "until":
        return event.created_at <= (wanted as number);
      case "limit":
        return true;
    }
    return valuesOf(event, key.slice(1)).some((value) => (wanted as string[]).includes(value));
  });
}

/** The second elements of the tags of that name (R-03-02); for `d`, none is the empty string (R-02-03, R-04-05). */
export function valuesOf(event: Event, name: string): string[] {
  const named = event.tags.filter((tag) => tag[0] === name);
  if (name !== "d") return named.flatMap((tag) => tag.slice(1, 2));
  const isAddressable = event.kind >= 30000 && event.kind < 40000;
  return named.length === 0 && isAddressable ? [""] : named.map((tag) => tag[1] ?? "");
}

function isHex(item: unknown): boolean {
  return typeof item === "string" && /^[0-9a-f]{64}$/.test(item);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isItem(item));
}

/** What an event is replaced by (section 4); undefined if it is not. */
export function addressOf({ kind, pubkey, tags }: Event): string | undefined {
  if (kind === 0 || kind === 3 || (kind >= 10000 && kind < 20000)) return `${kind}:${pubkey}:`;
  if (kind >= 30000 && kind < 40000) return `${kind}:${pubkey}:${tags.find(([name]) => name === "d")?.[1] ?? ""}`;
  return undefined;
}

/** R-03-10, and by R-04-02 the order of winning too. */
export function byOrder(a: Event, b: Event): number {
  return b.created_at - a.created_at || (a.id < b.id ? -1 : 1);
}

/** R-05-28. */
export function canSee(authed: Set<string>, event: Event): boolean {
  if (!PRIVATE_KINDS.includes(event.kind) || authed.has(event.pubkey)) return true;
  return event.tags.some(([name, value]) => name === "p" && value !== undefined && authed.has(value));
}

export function unionOf(lists: Event[][]): Event[] {
  return [...new Set(lists.flat())];
}

/** Only private kinds, and not confined to the client's own keys (R-05-31). */
export function isUnconfined(filter: Filter, authed: Set<string>): boolean {
  const isOwn = (list: unknown) => Array.isArray(list) && list.every((pubkey) => authed.has(pubkey));
  const kinds = filter.kinds as number[] | undefined;
  if (kinds === undefined || !kinds.every((kind) => PRIVATE_KINDS.includes(kind))) return false;
  return !isOwn(filter.authors) && !isOwn(filter["#p"]);
}

export function isEmpty(filter: Filter): boolean {
  return Object.values(filter).some((list) => Array.isArray(list) && list.length === 0);
}

/**
 * R-03-17: what EOSE may say of `sent` out of `all` visible matches. It may be silent where a filter asked for no stored events,
 * and where what a search sent has to be told from what other filters did.
 */
export function hintsFor(
  sent: number,
  all: number,
  filters: readonly { limit?: unknown; search?: unknown }[],
): string[] {
  const hint = sent === all ? "finish" : "more";
  const isSearch = filters.some(({ search }) => search !== undefined);
  const isUnsure = filters.some(({ limit }) => limit === 0) || (isSearch && filters.length > 1);
  return isUnsure ? [hint, "unknown"] : [hint];
}
