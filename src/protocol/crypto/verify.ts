import { type Event, type IndexedTag, indexedTags, serializeEvent } from "../event.ts";
import { accept, type Reason, type Result, refuse } from "../reason.ts";
import type { Crypto } from "./secp256k1.ts";

const BAD_ID: Reason = "invalid: id is not the hash of the event";
export const BAD_SIGNATURE: Reason = "invalid: signature does not verify";

/** Signatures verified together. More gain nothing, and one that is wrong costs as many single verifications. */
const TOGETHER = 64;

/** An event whose id is its hash; whether its author signed it is still open. */
export class HashedEvent {
  /** Makes the type nominal. */
  protected readonly hashed = true;

  readonly event: Event;
  /** Canonical JSON of the event: stored once and sent by concatenation. */
  readonly raw: string;

  private constructor(event: Event, raw: string) {
    this.event = event;
    this.raw = raw;
  }

  /** Recomputes the id (R-02-09). */
  static check(event: Event, crypto: Crypto): Result<HashedEvent> {
    const { hashed, raw } = serializeEvent(event);
    return crypto.sha256(hashed) === event.id ? accept(new HashedEvent(event, raw)) : refuse(BAD_ID);
  }
}

/** An event whose id and signature have been checked. Its two static methods are the only way to get one. */
export class VerifiedEvent {
  /** Makes the type nominal: no other object passes for a verified event. */
  protected readonly verified = true;

  readonly event: Event;
  /** As {@link HashedEvent.raw}. */
  readonly raw: string;
  readonly tags: readonly IndexedTag[];

  private constructor(event: Event, raw: string, tags: readonly IndexedTag[]) {
    this.event = event;
    this.raw = raw;
    this.tags = tags;
  }

  /** Recomputes the id, then checks the BIP-340 signature over it (R-02-09). */
  static check(event: Event, crypto: Crypto): Result<VerifiedEvent> {
    const hashed = HashedEvent.check(event, crypto);
    if (!hashed.ok) return hashed;
    const [verified] = VerifiedEvent.checkAll([hashed.value], crypto);
    return verified === undefined ? refuse(BAD_SIGNATURE) : accept(verified);
  }

  /**
   * Checks the signatures of many events, in batches, and one by one where a batch does not verify. One result for
   * each, in order: undefined if its signature is wrong.
   */
  static checkAll(events: readonly HashedEvent[], crypto: Crypto): (VerifiedEvent | undefined)[] {
    const results: (VerifiedEvent | undefined)[] = [];
    for (let i = 0; i < events.length; i += TOGETHER) {
      const some = events.slice(i, i + TOGETHER);
      const areAllRight = crypto.verifyAll(some.map(({ event }) => event));
      for (const { event, raw } of some) {
        const isRight = areAllRight || (some.length > 1 && crypto.verify(event.sig, event.id, event.pubkey));
        results.push(isRight ? new VerifiedEvent(event, raw, indexedTags(event)) : undefined);
      }
    }
    return results;
  }
}
