import { type Frame, forgetEncoded } from "./frame.ts";
import type { SyncGate } from "./sync-gate.ts";

/** Where frames go. */
export interface Outlet {
  /** The frames that were queued in this turn. */
  takeQueued(): Frame[];
  /** These may leave. */
  release(frames: readonly Frame[]): void;
  /** Writes what may leave. */
  flush(): void;
}

/** Sends the frames of all sockets: those of one turn together, behind the gate. */
export class Outbox {
  readonly #gate: SyncGate;
  #queued: Outlet[] = [];
  #released = new Set<Outlet>();

  constructor(gate: SyncGate) {
    this.#gate = gate;
  }

  /** The outlet has its first frame of this turn. */
  add(outlet: Outlet): void {
    if (this.#queued.length === 0) process.nextTick(() => this.#pass());
    this.#queued.push(outlet);
  }

  #pass(): void {
    const turn = this.#queued.map((outlet) => [outlet, outlet.takeQueued()] as const);
    this.#queued = [];
    this.#gate.pass(() => {
      // Several turns may have waited for one sync: a socket is written to once.
      if (this.#released.size === 0) process.nextTick(() => this.#flush());
      for (const [outlet, frames] of turn) {
        outlet.release(frames);
        this.#released.add(outlet);
      }
    });
  }

  #flush(): void {
    const released = this.#released;
    this.#released = new Set();
    for (const outlet of released) outlet.flush();
    forgetEncoded();
  }
}
