import { type Frame, forgetEncoded } from "./frame.ts";
import type { SyncGate } from "./sync-gate.ts";

/** Where frames go. */
export interface Outlet {
  /** The frames that were queued in this turn. */
  takeQueued(): Frame[];
  /** These may leave. */
  release(frames: readonly Frame[]): void;
  /** Characters that may leave. */
  readonly released: number;
  /** Writes what may leave. */
  flush(): void;
}

/** Characters that a turn gives to the network: a millisecond or two. */
const OF_TURN = 1 << 20;
/** How many characters writing to one socket counts for. */
const OF_SOCKET = 1 << 12;
/** What has no more characters goes first, and may overdraw the turn by as much again: small answers do not wait for large events. */
const LITTLE = 1 << 14;

/** The part of what may leave that a turn sends at least, so that nothing piles up. */
const SHARE = 1 / 8;

/** Sends the frames of all sockets behind the gate, those of one turn together. A commit divides a turn. */
export class Outbox {
  readonly #gate: SyncGate;
  #queued: Outlet[] = [];
  #isDue = false;
  /** Turns, or parts of them, whose frames wait behind the gate. */
  #held = 0;
  #released = new Set<Outlet>();

  constructor(gate: SyncGate) {
    this.#gate = gate;
  }

  /** Whether all that was queued has been written. */
  get isEmpty(): boolean {
    return this.#queued.length === 0 && this.#held === 0 && this.#released.size === 0;
  }

  /** The outlet has its first frame of this turn. */
  add(outlet: Outlet): void {
    this.#queued.push(outlet);
    if (this.#isDue) return;
    this.#isDue = true;
    process.nextTick(() => {
      this.#isDue = false;
      this.#pass();
    });
  }

  /** Something is committed: what was queued before does not wait for its sync. */
  committed(): void {
    if (!this.#gate.isDirty) this.#pass();
    this.#gate.committed();
  }

  #pass(): void {
    if (this.#queued.length === 0) return;
    const turn = this.#queued.map((outlet) => [outlet, outlet.takeQueued()] as const);
    this.#queued = [];
    this.#held++;
    this.#gate.pass(() => {
      this.#held--;
      // Several turns may have waited for one sync: a socket is written to once.
      if (this.#released.size === 0) process.nextTick(() => this.#flush());
      for (const [outlet, frames] of turn) {
        outlet.release(frames);
        this.#released.add(outlet);
      }
    });
  }

  /** What goes to very many is written in several turns, so that others are heard in between. */
  #flush(): void {
    let all = OF_SOCKET * this.#released.size;
    for (const { released } of this.#released) all += released;
    let room = Math.max(OF_TURN, all * SHARE);
    // Small answers go first, and one large one in every turn.
    const isLittle = ({ released }: Outlet) => released <= LITTLE;
    const send = (outlet: Outlet): void => {
      room -= OF_SOCKET + outlet.released;
      this.#released.delete(outlet);
      outlet.flush();
    };
    for (const outlet of this.#released) if (room > -OF_TURN && isLittle(outlet)) send(outlet);
    room = Math.max(room, 1);
    for (const outlet of this.#released) if (room > 0 && !isLittle(outlet)) send(outlet);
    forgetEncoded();
    if (this.#released.size > 0) setImmediate(() => this.#flush());
  }
}
