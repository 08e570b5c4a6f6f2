import { bech32 } from "@scure/base";
import { Failure, messageOf, UsageError } from "../failure.ts";
import { crypto } from "./crypto.ts";
import { textOf } from "./http.ts";

const HEX = /^[0-9a-f]{64}$/i;

/** Characters of a bech32 text at most: an nevent names relays too. */
const MAX_BECH32 = 2000;

/** A name of NIP-05. Without `@` its last label begins with a letter: 192.0.2 is a slip in an IP address. */
const NAME = /^([\w.+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+|([a-z0-9-]+\.)+[a-z][a-z0-9-]*)(:\d+)?$/i;

/** How long a server may take to answer for a name, in milliseconds. */
const NAME_TIMEOUT_MS = 10_000;

/** Bytes of what it answers at most. */
const MAX_NAMES = 1 << 20;

/** A key or an id of 64 hex digits in its bech32 form (NIP-19). */
export function toBech32(prefix: "npub" | "nsec" | "note", hex: string): string {
  return bech32.encode(prefix, bech32.toWords(Buffer.from(hex, "hex")), MAX_BECH32);
}

/** What a NIP-19 text holds: its prefix, and 64 hex digits. Undefined if it is none. */
export function fromBech32(text: string): { prefix: string; hex: string } | undefined {
  try {
    const { prefix, words } = bech32.decode(text as `${string}1${string}`, MAX_BECH32);
    const bytes = Buffer.from(bech32.fromWords(words));
    if (["npub", "nsec", "note"].includes(prefix)) {
      return bytes.length === 32 ? { prefix, hex: bytes.toString("hex") } : undefined;
    }
    return prefix === "nprofile" || prefix === "nevent" ? first(prefix, bytes) : undefined;
  } catch {
    return undefined;
  }
}

/** The first entry of type 0 (TLV): what an nprofile or nevent is about. */
function first(prefix: string, bytes: Buffer): { prefix: string; hex: string } | undefined {
  for (let at = 0; at + 2 <= bytes.length; at += 2 + (bytes[at + 1] as number)) {
    const value = bytes.subarray(at + 2, at + 2 + (bytes[at + 1] as number));
    if (bytes[at] === 0) return value.length === 32 ? { prefix, hex: value.toString("hex") } : undefined;
  }
  return undefined;
}

/** Throws a {@link UsageError} for what cannot be a public key in any form; looks nothing up. */
export function checkKey(text: string): void {
  const isKey = HEX.test(text) || ["npub", "nprofile", "nsec"].includes(fromBech32(text)?.prefix ?? "");
  if (!isKey && !NAME.test(text)) {
    throw new UsageError(`${text} is no public key: give an npub, 64 hex digits, or a name such as ann@example.com`);
  }
}

/** A public key from npub, nprofile, nsec, hex or a NIP-05 name (`name@example.com`, `example.com`). */
export async function publicKeyOf(text: string): Promise<string> {
  if (HEX.test(text)) return text.toLowerCase();
  const decoded = fromBech32(text);
  if (decoded?.prefix === "npub" || decoded?.prefix === "nprofile") return decoded.hex;
  if (decoded?.prefix === "nsec") {
    console.error("warning: a secret key on the command line stays in the history of the shell; use its npub");
    return crypto.publicKey(decoded.hex);
  }
  checkKey(text);
  return lookUp(text);
}

async function lookUp(text: string): Promise<string> {
  const [name = "_", domain = ""] = text.includes("@") ? text.split("@") : ["_", text];
  const url = `https://${domain}/.well-known/nostr.json?name=${encodeURIComponent(name)}`;
  try {
    const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(NAME_TIMEOUT_MS) });
    const { names } = JSON.parse(await textOf(response, MAX_NAMES)) as { names?: Record<string, unknown> };
    const key = Object.hasOwn(names ?? {}, name) ? names?.[name] : undefined;
    if (typeof key === "string" && HEX.test(key)) return key.toLowerCase();
  } catch (error) {
    throw new Failure(`the name ${text} cannot be looked up: ${messageOf(error)}`);
  }
  throw new Failure(`${domain} knows no key of the name ${name}`);
}

/** The id of an event from note, nevent or hex; undefined for anything else. */
export function eventIdOf(text: string): string | undefined {
  if (HEX.test(text)) return text.toLowerCase();
  const decoded = fromBech32(text);
  return decoded?.prefix === "note" || decoded?.prefix === "nevent" ? decoded.hex : undefined;
}

/** A secret key from nsec or hex, as 64 hex digits; undefined for anything else. */
export function secretKeyOf(text: string): string | undefined {
  const hex = HEX.test(text)
    ? text.toLowerCase()
    : fromBech32(text)?.prefix === "nsec"
      ? fromBech32(text)?.hex
      : undefined;
  try {
    if (hex !== undefined) crypto.publicKey(hex);
    return hex;
  } catch {
    return undefined;
  }
}
