import { messageToHex, responding } from "../../protocol/negentropy/negentropy.ts";
import type { Records } from "../../protocol/negentropy/records.ts";
import type { Reason } from "../../protocol/reason.ts";
import { COST, type Meter } from "../../protocol/work.ts";
import type { Steps } from "../../store/steps.ts";
import type { Connection } from "../connection.ts";

/** Bytes of an answer that are made text in one step: a millisecond. */
const PIECE = 1 << 16;

/** One sync of one connection (NIP-77): the records as they were at NEG-OPEN. */
export class SyncSession {
  readonly connection: Connection;
  readonly id: string;
  /** Closed, replaced or ended: nothing more may be sent under it. */
  isClosed = false;
  /** A message is being answered. */
  isBusy = false;
  /** Records held in memory for it, also while they are still being collected. */
  size = 0;
  /** Unix seconds. */
  idleSince: number;
  #records: Records | undefined;

  constructor(connection: Connection, id: string, nowSeconds: number) {
    this.connection = connection;
    this.id = id;
    this.idleSince = nowSeconds;
  }

  /** Whether it has had nothing to do for more than `seconds`. */
  isIdle(now: number, seconds: number): boolean {
    // A clock that was set back gives it no more time.
    this.idleSince = Math.min(this.idleSince, now);
    return !this.isBusy && now > this.idleSince + seconds;
  }

  /** Takes the set over that it is to be about. */
  fill(records: Records): void {
    if (!this.isClosed) this.#records = records;
  }

  /** Nothing more is to be sent, and the memory is free. */
  close(): void {
    this.isClosed = true;
    this.size = 0;
    this.#records = undefined;
  }

  /** Sends the answer to a message; the reason if there can be none (R-05-43). */
  *answer(message: Uint8Array, frameLimit: number, meter: Meter): Steps<Reason | undefined> {
    if (this.#records === undefined) return undefined;
    const steps = responding(this.#records, message, frameLimit, meter);
    for (;;) {
      const { done, value } = steps.next();
      if (done) {
        if ("error" in value) return value.error;
        const hex = yield* textOf(value, meter);
        if (!this.isClosed) this.connection.send(["NEG-MSG", this.id, hex]);
        return undefined;
      }
      yield;
      if (this.isClosed) return undefined;
    }
  }
}

/** A message as hex, made and charged with its sending in steps. */
function* textOf(message: Uint8Array, meter: Meter): Steps<string> {
  let hex = "";
  for (let at = 0; at < message.length; at += PIECE) {
    if (at > 0) yield;
    const piece = message.subarray(at, at + PIECE);
    meter.spent += piece.length * COST.hexByte;
    hex += messageToHex(piece);
  }
  return hex;
}
