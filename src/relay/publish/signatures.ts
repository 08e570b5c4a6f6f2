import type { Crypto } from "../../protocol/crypto/secp256k1.ts";
import { type HashedEvent, VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { COST, type Meter } from "../../protocol/work.ts";
import type { Connection } from "../connection.ts";

/** How long the events of a connection that sent a wrong signature are kept out of batches, in seconds. */
const SUSPECT_SECONDS = 60;

/** An event that waits for its commit, and whose it is. */
export interface Waiting {
  connection: Connection;
  /** Verified already if its connection is under suspicion. */
  event: HashedEvent | VerifiedEvent;
}

/**
 * Checks signatures in batches. A wrong one costs its batch as many single checks, 64 at most, so whoever sent it has
 * every event checked by itself for a while, before it joins a batch: only a new connection can do it again.
 */
export class Signatures {
  readonly #crypto: Crypto;
  readonly #suspectUntil = new WeakMap<Connection, number>();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** What may wait with others; undefined if the signature has been checked and is wrong. `now` in seconds. */
  precheck(connection: Connection, event: HashedEvent, now: number, meter: Meter): Waiting | undefined {
    if ((this.#suspectUntil.get(connection) ?? 0) <= now) return { connection, event };
    meter.spent += COST.loneSignature;
    const [verified] = VerifiedEvent.checkAll([event], this.#crypto);
    if (verified !== undefined) return { connection, event: verified };
    this.#suspect(connection, now);
    return undefined;
  }

  /** One result for each, in order: undefined if its signature is wrong. */
  checkAll(batch: readonly Waiting[], now: number, meter: Meter): (VerifiedEvent | undefined)[] {
    const open = batch.flatMap(({ event }) => (event instanceof VerifiedEvent ? [] : [event]));
    meter.spent += open.length * COST.signature;
    const results = VerifiedEvent.checkAll(open, this.#crypto);
    if (results.includes(undefined)) meter.spent += open.length * COST.loneSignature;
    const checked = results.values();
    return batch.map(({ connection, event }) => {
      const verified = event instanceof VerifiedEvent ? event : checked.next().value;
      if (verified === undefined) this.#suspect(connection, now);
      return verified;
    });
  }

  #suspect(connection: Connection, now: number): void {
    this.#suspectUntil.set(connection, now + SUSPECT_SECONDS);
  }
}
