import type { Frame } from "../../support/client.ts";
import type { Random } from "../../support/random.ts";
import type { SimulatedSocket } from "./simulated-socket.ts";
import type { SimulatedSql } from "./simulated-sql.ts";
import type { SimulatedTime } from "./simulated-time.ts";

/** A frame on its way to a client. */
export interface Outgoing {
  socket: SimulatedSocket;
  frame: Frame;
}

interface Held extends Outgoing {
  /** Commits that have to be durable before it leaves. */
  commits: number;
}

/** State of the disk at a moment: all of it, and what the judge knew then. */
interface Snapshot<Known> {
  commits: number;
  content: Uint8Array;
  known: Known;
}

/**
 * A disk that makes commits durable some time after they were made, and the gate in front of the sockets: nothing leaves before
 * all that was committed when it was sent is durable. A crash loses what was not.
 */
export class Disk<Known> {
  readonly #sql: SimulatedSql;
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #known: () => Known;
  readonly #leave: (outgoing: Outgoing, durable: number) => void;
  readonly #synced: () => void;
  #held: Held[] = [];
  #durable: Snapshot<Known>;
  #underWay: Snapshot<Known> | undefined;

  constructor(parts: {
    sql: SimulatedSql;
    time: SimulatedTime;
    random: Random;
    /** What the judge knows now. */
    known: () => Known;
    /** A frame leaves the gate; so many commits are durable. */
    leave: (outgoing: Outgoing, durable: number) => void;
    synced: () => void;
  }) {
    this.#sql = parts.sql;
    this.#time = parts.time;
    this.#random = parts.random;
    this.#known = parts.known;
    this.#leave = parts.leave;
    this.#synced = parts.synced;
    this.#durable = this.#snapshot();
  }

  get isSyncing(): boolean {
    return this.#underWay !== undefined;
  }

  /** Something is not durable yet. */
  get isBehind(): boolean {
    return this.#sql.commits > this.#durable.commits;
  }

  send(outgoing: Outgoing): void {
    const { commits } = this.#sql;
    if (this.#held.length === 0 && commits <= this.#durable.commits) this.#leave(outgoing, this.#durable.commits);
    else this.#held.push({ ...outgoing, commits });
  }

  /** To be called at the end of each turn of the host: begins to make durable what has been committed. */
  endTurn(): void {
    if (this.isSyncing || !this.isBehind) return;
    this.#underWay = this.#snapshot();
    this.#time.soon(this.#random.pick([0, 1, 1, 3, 20]), () => this.#finish());
  }

  /** What is left after a crash: what is durable at least, and sometimes what was on its way. */
  afterCrash(): { content: Uint8Array; known: Known } {
    if (this.#underWay !== undefined && this.#random.chance(0.3)) return this.#underWay;
    return this.#durable;
  }

  #snapshot(): Snapshot<Known> {
    return { commits: this.#sql.commits, content: this.#sql.snapshot(), known: this.#known() };
  }

  #finish(): void {
    if (this.#underWay === undefined) return;
    this.#durable = this.#underWay;
    this.#underWay = undefined;
    const { commits } = this.#durable;
    let left = 0;
    for (const held of this.#held) {
      if (held.commits > commits) break;
      this.#leave(held, commits);
      left++;
    }
    this.#held = this.#held.slice(left);
    this.#synced();
    this.endTurn();
  }
}
