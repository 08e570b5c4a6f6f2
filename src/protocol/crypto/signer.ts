import { serializeEvent } from "../event.ts";
import type { Crypto } from "./secp256k1.ts";
import { VerifiedEvent } from "./verify.ts";

/** What the author of an event decides; the content is empty. */
export interface Draft {
  kind: number;
  /** Unix seconds. */
  created_at: number;
  tags: string[][];
}

/** Makes events of one key, the relay's own (`self` in NIP-11). */
export class Signer {
  readonly pubkey: string;
  readonly #secret: string;
  readonly #crypto: Crypto;

  /** `secret` is 64 hex digits; throws if it is no secret key. */
  constructor(secret: string, crypto: Crypto) {
    this.#secret = secret;
    this.#crypto = crypto;
    this.pubkey = crypto.publicKey(secret);
  }

  /** Takes about as long as verifying a signature. */
  sign(draft: Draft): VerifiedEvent {
    const unsigned = { ...draft, id: "", pubkey: this.pubkey, content: "", sig: "" };
    const id = this.#crypto.sha256(serializeEvent(unsigned).hashed);
    const signed = VerifiedEvent.check({ ...unsigned, id, sig: this.#crypto.sign(id, this.#secret) }, this.#crypto);
    if (!signed.ok) throw new Error(`the relay's own event is refused: ${signed.reason}`);
    return signed.value;
  }
}
