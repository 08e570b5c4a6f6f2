import type { Chore } from "../chores.ts";
import type { Config } from "../config/config.ts";
import type { Connection } from "../connection.ts";
import type { Connections } from "../connections.ts";
import type { Clock } from "../ports.ts";

/** A connection that has not logged in after this long is watched, in milliseconds: most have by then. */
const WATCH_MS = 1000;
/** Connections closed in one run. */
const MAX_CLOSED = 500;
/** Timeouts are rounded up to so large a part of `AUTH_TIMEOUT`, so that a flood of connections sets few alarms. */
const STEPS = 10;

/** Closes connections that do not log in (R-06-09 is about idleness only). */
export class LoginTimeout implements Chore {
  readonly name = "login";
  readonly #config: Config;
  readonly #clock: Clock;
  readonly #connections: Connections;
  readonly #close: (connection: Connection, code: number, text: string) => void;
  #isArmed = false;

  constructor(
    config: Config,
    clock: Clock,
    connections: Connections,
    close: (connection: Connection, code: number, text: string) => void,
  ) {
    this.#config = config;
    this.#clock = clock;
    this.#connections = connections;
    this.#close = close;
  }

  /** A connection is new; `onDue` is told when the chore has to run, in Unix seconds. */
  watch(onDue: (seconds: number) => void): void {
    if (this.#isArmed || !this.#config.authRequired) return;
    this.#isArmed = true;
    this.#clock.soon(WATCH_MS, () => {
      this.#isArmed = false;
      const due = this.due();
      if (due !== undefined) onDue(due);
    });
  }

  due(): number | undefined {
    let first: number | undefined;
    for (const { openedSeconds } of this.#strangers()) first = Math.min(first ?? openedSeconds, openedSeconds);
    return first === undefined ? undefined : this.#timeoutOf(first);
  }

  run(): void {
    const now = this.#clock.nowSeconds();
    const late = [...this.#strangers()].filter(({ openedSeconds }) => this.#timeoutOf(openedSeconds) <= now);
    for (const connection of late.slice(0, MAX_CLOSED)) {
      this.#close(connection, 1008, `auth-required: no login within ${this.#config.authTimeout} seconds`);
    }
  }

  *#strangers(): Iterable<Connection> {
    if (!this.#config.authRequired) return;
    const now = this.#clock.nowSeconds();
    for (const connection of this.#connections) {
      if (connection.isAuthenticated) continue;
      // A clock that was set back gives nobody more time.
      connection.openedSeconds = Math.min(connection.openedSeconds, now);
      yield connection;
    }
  }

  #timeoutOf(openedSeconds: number): number {
    const { authTimeout } = this.#config;
    const step = Math.ceil(authTimeout / STEPS);
    // Within its second it may have opened at the end.
    return Math.ceil((openedSeconds + 1 + authTimeout) / step) * step;
  }
}
