import { type Event, type IndexedTag, indexedTags, serializeEvent } from "./event.ts";
import { accept, type Result, refuse } from "./reason.ts";
import type { Crypto } from "./secp256k1.ts";

/** An event whose id and signature have been checked. {@link VerifiedEvent.check} is the only way to get one. */
export class VerifiedEvent {
  /** Makes the type nominal: no other object passes for a verified event. */
  protected readonly verified = true;

  private constructor(
    readonly event: Event,
    /** Canonical JSON of the event: stored once and sent by concatenation. */
    readonly raw: string,
    readonly tags: readonly IndexedTag[],
  ) {}

  /** Recomputes the id, then checks the BIP-340 signature over it (R-02-09). */
  static check(event: Event, crypto: Crypto): Result<VerifiedEvent> {
    const { hashed, raw } = serializeEvent(event);
    if (crypto.sha256(hashed) !== event.id) return refuse("invalid: id is not the hash of the event");
    if (!crypto.verify(event.sig, event.id, event.pubkey)) return refuse("invalid: signature does not verify");
    return accept(new VerifiedEvent(event, raw, indexedTags(event)));
  }
}
