import { decode } from "nostr-tools/nip19";

/** The public key that somebody has written: npub, nprofile or 64 hex digits; undefined if it is none. */
export function readPublicKey(text: string): string | undefined {
  const entered = text.trim().replace(/^nostr:/, "");
  if (/^[0-9a-f]{64}$/i.test(entered)) return entered.toLowerCase();
  const found = decoded(entered);
  if (found?.type === "npub") return found.data;
  return found?.type === "nprofile" ? found.data.pubkey : undefined;
}

/** The id of an event: note, nevent or 64 hex digits; undefined if it is none. */
export function readEventId(text: string): string | undefined {
  const entered = text.trim().replace(/^nostr:/, "");
  if (/^[0-9a-f]{64}$/i.test(entered)) return entered.toLowerCase();
  const found = decoded(entered);
  if (found?.type === "note") return found.data;
  return found?.type === "nevent" ? found.data.id : undefined;
}

/** The key before another in their order, so that a page behind it begins with that one; undefined before the first. */
export function keyBefore(pubkey: string): string | undefined {
  const number = BigInt(`0x${pubkey}`);
  return number === 0n ? undefined : (number - 1n).toString(16).padStart(64, "0");
}

function decoded(text: string) {
  try {
    return decode(text);
  } catch {
    return undefined;
  }
}
