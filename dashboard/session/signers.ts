import { hexToBytes } from "@noble/hashes/utils.js";
import { decode, nsecEncode } from "nostr-tools/nip19";
import { BunkerSigner, parseBunkerInput } from "nostr-tools/nip46";
import {
  type EventTemplate,
  finalizeEvent,
  generateSecretKey,
  getPublicKey,
  type VerifiedEvent,
} from "nostr-tools/pure";

/** Who signs for the person at the page. */
export interface Signer {
  /** How the person signed in, in words. */
  readonly kind: "extension" | "bunker" | "key";
  readonly pubkey: string;
  sign(template: EventTemplate): Promise<VerifiedEvent>;
  /** Frees what it holds open. */
  close(): void;
}

/** What an extension gives to pages (NIP-07). */
interface Extension {
  getPublicKey(): Promise<string>;
  signEvent(template: EventTemplate & { pubkey: string }): Promise<VerifiedEvent>;
}

/** How long a remote signer may take until its first answer, in milliseconds; the person may have to confirm. */
const BUNKER_MS = 60_000;

/** Whether the browser has an extension that signs. It may come some moments after the page. */
export function hasExtension(): boolean {
  return extension() !== undefined;
}

/** Signs with the extension of the browser (NIP-07). */
export async function extensionSigner(): Promise<Signer> {
  const nostr = extension();
  if (nostr === undefined) throw new Error("This browser has no extension for Nostr keys.");
  const pubkey = await nostr.getPublicKey();
  const sign = async (template: EventTemplate) => {
    const event = await nostr.signEvent({ ...template, pubkey });
    if (event.pubkey !== pubkey) throw new Error("The extension has changed to another key. Sign in again.");
    return event;
  };
  return { kind: "extension", pubkey, sign, close() {} };
}

/** Signs with a key that this page holds. */
export function keySigner(secretKey: Uint8Array): Signer {
  const sign = async (template: EventTemplate) => finalizeEvent(template, secretKey);
  return { kind: "key", pubkey: getPublicKey(secretKey), sign, close() {} };
}

/** Signs with a remote signer (NIP-46). `clientKey` is what the page and the signer know each other by. */
export async function bunkerSigner(
  address: string,
  clientKey: Uint8Array,
  onLink: (url: string) => void,
): Promise<Signer> {
  const pointer = await parseBunkerInput(address.trim());
  if (pointer === null || pointer.relays.length === 0) {
    throw new Error("This is no address of a bunker. It begins with bunker:// and names a relay.");
  }
  const bunker = BunkerSigner.fromBunker(clientKey, pointer, { onauth: onLink });
  try {
    const pubkey = await within(
      BUNKER_MS,
      bunker.connect().then(() => bunker.getPublicKey()),
    );
    const sign = (template: EventTemplate) => within(BUNKER_MS, bunker.signEvent(template));
    return { kind: "bunker", pubkey, sign, close: () => void bunker.close() };
  } catch (error) {
    void bunker.close();
    throw error;
  }
}

/** A fresh secret key. */
export function makeKey(): Uint8Array {
  return generateSecretKey();
}

/** A secret key as people keep it. */
export function textOfKey(secretKey: Uint8Array): string {
  return nsecEncode(secretKey);
}

/** Reads a secret key, `nsec1…` or 64 hex digits; undefined if the text is none. */
export function readKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return hexToBytes(trimmed.toLowerCase());
  try {
    const decoded = decode(trimmed);
    return decoded.type === "nsec" ? decoded.data : undefined;
  } catch {
    return undefined;
  }
}

function extension(): Extension | undefined {
  return (window as { nostr?: Extension }).nostr;
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("The remote signer does not answer. Is it open?")), ms);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
