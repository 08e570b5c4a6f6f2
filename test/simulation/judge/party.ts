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
