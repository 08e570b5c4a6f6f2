import { messageToHex, responding } from "../../protocol/negentropy/negentropy.ts";
import type { Records } from "../../protocol/negentropy/records.ts";
import type { Reason } from "../../protocol/reason.ts";
import type { Connection } from "../connection.ts";
import { untilRoom } from "../outbound.ts";
import type { Clock } from "../ports.ts";

/** One sync of one connection (NIP-77): the records as they were at NEG-OPEN. */
export class SyncSession {
  /** Closed, replaced or ended: nothing more may be sent under it. */
  isClosed = false;
  /** Closed by the relay, with a NEG-ERR. */
  isEnded = false;
  /** Records held in memory for it, also while they are still being collected. */
  size = 0;
  #records: Records | undefined;
  /** What was asked of it and is not finished. */
  #pending = 0;
  #idleSince: number;
  #turn: Promise<void> = Promise.resolve();

  constructor(
    readonly connection: Connection,
    readonly id: string,
    readonly clock: Clock,
  ) {
    this.#idleSince = clock.nowSeconds();
  }

  /** Runs `work` after everything that was asked of this session before (R-01-09). A failure of one ends only that one. */
  inTurn(work: () => Promise<void>): Promise<void> {
    const run = async (): Promise<void> => {
      try {
        await work();
      } finally {
        this.#pending--;
        this.#idleSince = this.clock.nowSeconds();
      }
    };
    this.#pending++;
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Whether it has had nothing to do for more than `seconds`. */
  isIdle(seconds: number): boolean {
    const now = this.clock.nowSeconds();
    // A clock that was set back gives it no more time.
    this.#idleSince = Math.min(this.#idleSince, now);
    return this.#pending === 0 && now > this.#idleSince + seconds;
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

  /** Sends the answer to a message, in stretches of a few milliseconds; the reason if there can be none (R-05-43). */
  async answer(message: Uint8Array, frameLimit: number): Promise<Reason | undefined> {
    const { connection, clock } = this;
    const isRoom = await untilRoom(connection.outbound, clock, () => this.isClosed);
    if (!isRoom || this.#records === undefined) return undefined;
    const steps = responding(this.#records, message, frameLimit);
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) {
        const answer = step.value;
        if ("error" in answer) return answer.error;
        connection.send(["NEG-MSG", this.id, messageToHex(answer)]);
        return undefined;
      }
      await clock.pause();
      if (this.isClosed) return undefined;
    }
  }
}
