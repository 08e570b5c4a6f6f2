// The browser's own hash is there for pages of HTTPS and of this machine only.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { EventTemplate, VerifiedEvent } from "nostr-tools/pure";

/** What signs an event for the person at the page. */
export type Sign = (template: EventTemplate) => Promise<VerifiedEvent>;

/** The header by which a request names who sends it (NIP-98). `body` is hashed; a GET has none. */
export async function authorization(sign: Sign, url: string, method: string, body?: string): Promise<string> {
  const tags = [
    ["u", url],
    ["method", method],
    // Two requests within a second are two events.
    ["nonce", bytesToHex(crypto.getRandomValues(new Uint8Array(8)))],
  ];
  if (body !== undefined) tags.push(["payload", bytesToHex(sha256(utf8ToBytes(body)))]);
  const event = await sign({ kind: 27235, created_at: Math.floor(Date.now() / 1000), tags, content: "" });
  const bytes = utf8ToBytes(JSON.stringify(event));
  return `Nostr ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}
