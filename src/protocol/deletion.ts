import type { Event } from "./event.ts";
import { type Address, kindClass } from "./kind.ts";
import { isHex64 } from "./text.ts";

/** NIP-09: asks for other events of the same author to be deleted. */
export const DELETION_KIND = 5;
/** NIP-62: asks for everything of the author to be erased. */
export const VANISH_KIND = 62;
/** NIP-59: a gift wrap, which its recipient may delete too (R-05-03). */
export const GIFT_WRAP_KIND = 1059;

/** The ids that a kind 5 names; malformed ones are skipped (R-05-09). */
export function deletedIds(deletion: Event): string[] {
  return distinct(deletion, "e").filter(isHex64);
}

/** The addresses that a kind 5 may delete: its author's own, of kinds that are replaced (R-05-04). */
export function deletedAddresses(deletion: Event): Address[] {
  const found = new Map<string, Address>();
  for (const value of distinct(deletion, "a")) {
    const [, kindText = "", pubkey, d] = /^(\d{1,5}):([0-9a-f]{64})(?::([\s\S]*))?$/.exec(value) ?? [];
    const kind = Number(kindText);
    const replaced = kindClass(kind);
    // That of a replaceable kind ends with its colon (R-04-06), which many clients leave out.
    const isAddress = replaced === "addressable" ? d !== undefined : replaced === "replaceable" && !d;
    if (pubkey === deletion.pubkey && isAddress) found.set(`${kind}:${d ?? ""}`, { kind, pubkey, d: d ?? "" });
  }
  return [...found.values()];
}

/** The first `e`, `p` or `a` tag of a kind 5 whose id or key is in upper-case hex: it names nothing that there can be. */
export function tagInCapitals(deletion: Event): string | undefined {
  const isInCapitals = (hex = "") => /^[0-9a-f]{64}$/i.test(hex) && !isHex64(hex);
  for (const [name, value] of deletion.tags) {
    if ((name === "e" || name === "p") && isInCapitals(value)) return name;
    if (name === "a" && isInCapitals(value?.split(":", 2)[1])) return name;
  }
  return undefined;
}

function distinct(event: Event, name: string): string[] {
  return [...new Set(event.tags.filter((tag) => tag[0] === name).map((tag) => tag[1] ?? ""))];
}

/** Whether `pubkey` may delete the event: its author may, and the recipient of a gift wrap (R-05-02, R-05-03). */
export function mayDelete(pubkey: string, event: Event): boolean {
  if (event.kind === DELETION_KIND || event.kind === VANISH_KIND) return false;
  return event.pubkey === pubkey || (event.kind === GIFT_WRAP_KIND && recipientsOf(event).includes(pubkey));
}

/** The keys that an event `p`-tags. */
export function recipientsOf(event: Event): string[] {
  return distinct(event, "p").filter(isHex64);
}
