import type { Clock } from "../../relay/ports.ts";

/** Time in which further sockets join one collection, in milliseconds. */
const DELAY_MS = 500;

/** From one collection to the next at least, in milliseconds: each holds everybody up for some ten. */
const INTERVAL_MS = 5000;

/**
 * Ends TCP connections that are closed on both sides. Workerd keeps one on which the client's Close was its first message
 * until the garbage collector comes upon the socket, which on a quiet relay is never; a client waits for it, the library
 * `ws` half a minute. Does nothing where the runtime does not hand out its collector, as on Cloudflare.
 */
export class Collector {
  readonly #clock: Pick<Clock, "soon">;
  #isArmed = false;
  #collectedMs = 0;

  constructor(clock: Pick<Clock, "soon">) {
    this.#clock = clock;
  }

  soon(): void {
    const { gc } = globalThis as { gc?: () => void };
    if (gc === undefined || this.#isArmed) return;
    this.#isArmed = true;
    const elapsedMs = Math.abs(Date.now() - this.#collectedMs);
    this.#clock.soon(Math.max(DELAY_MS, INTERVAL_MS - elapsedMs), () => {
      this.#isArmed = false;
      this.#collectedMs = Date.now();
      gc();
    });
  }
}
