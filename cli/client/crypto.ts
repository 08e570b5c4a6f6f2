import { readFileSync } from "node:fs";
import { createCrypto } from "../../src/protocol/crypto/secp256k1.ts";
import { type Event, serializeEvent } from "../../src/protocol/event.ts";

const WASM = new URL("../../src/protocol/crypto/secp256k1.wasm", import.meta.url);

/** The relay's own cryptography, for its clients. */
export const crypto = createCrypto(new WebAssembly.Module(readFileSync(WASM)));

/** What the author of an event decides. */
export type Draft = Partial<Pick<Event, "kind" | "created_at" | "tags" | "content">>;

/** Signs with one key, wherever that is. */
export interface Signer {
  readonly pubkey: string;
  sign(draft: Draft): Event | Promise<Event>;
}

/** A draft with all that its author decides. */
export function draftOf({ kind = 1, created_at = Math.floor(Date.now() / 1000), tags = [], content = "" }: Draft) {
  return { kind, created_at, tags, content };
}

/** Signs with one secret key, which it never shows. */
export class KeySigner implements Signer {
  readonly pubkey: string;
  readonly #secret: string;

  /** `secret` is 64 hex digits; throws if it is no secret key. */
  constructor(secret: string) {
    this.#secret = secret;
    this.pubkey = crypto.publicKey(secret);
  }

  sign(draft: Draft): Event {
    const unsigned = { id: "", pubkey: this.pubkey, ...draftOf(draft), sig: "" };
    const id = crypto.sha256(serializeEvent(unsigned).hashed);
    return { ...unsigned, id, sig: crypto.sign(id, this.#secret) };
  }
}
