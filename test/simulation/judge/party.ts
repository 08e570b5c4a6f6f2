import type { Connection } from "../../../src/relay/connection.ts";
import type { Frame } from "../../support/client.ts";
import type { SimulatedSocket } from "../machine/simulated-socket.ts";

/** A connection that has not logged in for so many seconds may be closed (`AUTH_TIMEOUT`). */
const LOGIN_SECONDS = 600;

/** A frame that a client has sent. */
export interface Arrived {
  readonly frame: Frame;
  readonly text: string;
  /** Closed by what came later: it is not to be served. */
  isCancelled: boolean;
}

/** One client: what it sends, and what it is owed. */
export class Party {
  readonly socket: SimulatedSocket;
  /** What the oracle calls it; another number once it is gone. */
  key: number;
  connection: Connection;
  /** Sent, and not yet read from the socket, which the relay has paused. */
  readonly wire: Arrived[] = [];
  /** Received, and not yet served. */
  arrived: Arrived[] = [];
  /** Served before the login, which they wait for (`AUTH_GRACE_MS`). */
  held: Arrived[] = [];
  graceUntilMs = 0;
  /** Those of them that the login has let in, with how often they have been taken since; until then. */
  #released: { arrived: Arrived; taken: number }[] = [];
  #releasedUntilMs = 0;
  /** So many times "internal error" has to be said. */
  errors = 0;
  /** It has gone, or the relay has closed it. */
  isEnded = false;
  /** Why the relay may close it. */
  mayBeClosed: "overflow" | "login" | undefined;
  /** Work done for each other while this one could have been served, in units. */
  readonly waited = new Map<Party, number>();

  constructor(key: number, connection: Connection, socket: SimulatedSocket) {
    this.key = key;
    this.connection = connection;
    this.socket = socket;
  }

  /** What comes now and is not AUTH waits for it. */
  isGrace(nowMs: number, graceMs: number): boolean {
    const left = this.graceUntilMs - nowMs;
    return this.graceUntilMs > 0 && left > 0 && left <= graceMs;
  }

  /** The relay has lost its memory. */
  evicted(): void {
    this.graceUntilMs = 0;
    this.#released = [];
  }

  /** What was held is served now; until then its client may send it again. */
  release(untilMs: number): Arrived[] {
    const held = this.held.splice(0);
    this.#released = held.map((arrived) => ({ arrived, taken: 0 }));
    this.#releasedUntilMs = untilMs;
    return held;
  }

  /** A frame is taken: whether it was held, has been taken since, and comes again while what it opened is open (R-06-06). */
  repeats(
    { frame, text }: Arrived,
    steadyMs: number,
    { subscriptions }: { subscriptions?: ReadonlyMap<string, unknown> },
  ): boolean {
    if (steadyMs >= this.#releasedUntilMs || aboutOf(frame) === undefined) return false;
    const same = this.#released.filter(({ arrived }) => arrived.text === text);
    const next = same.find(({ taken }) => taken === 0) ?? same.find(({ taken }) => taken === 1);
    // What is closed may be opened anew.
    if (next === undefined || frame[0].endsWith("CLOSE")) this.forget(aboutOf(frame));
    if (next === undefined || ++next.taken < 2) return false;
    return frame[0] !== "REQ" || subscriptions?.has(String(frame[1])) === true;
  }

  /** What is about this may be sent again, and is served. */
  forget(about: string | undefined): void {
    if (about !== undefined) this.#released = this.#released.filter(({ arrived }) => aboutOf(arrived.frame) !== about);
  }

  /** More is queued for it than it reads: the relay may close it. */
  overflow(): void {
    this.socket.isOverflowing = true;
    this.mayBeClosed = "overflow";
  }

  /** Nothing of it waits or is under way. */
  get isIdle(): boolean {
    return this.arrived.length + this.held.length === 0 && this.connection.task === undefined;
  }

  /** It is so late, in seconds: who has not logged in may be closed. */
  noteTime(known: { openedAt: number; authed: ReadonlySet<string> } | undefined, now: number): void {
    if (known?.authed.size === 0 && known.openedAt + LOGIN_SECONDS <= now) this.mayBeClosed ??= "login";
  }
}

/** What a frame opens, goes on with or closes. */
export function aboutOf([verb, id]: Frame): string | undefined {
  if (verb === "REQ" || verb === "CLOSE") return `REQ ${id}`;
  return verb.startsWith("NEG-") ? `NEG ${id}` : undefined;
}
