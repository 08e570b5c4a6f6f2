import type { Connection, Origin } from "./connection.ts";
import { OriginCounts } from "./origin-counts.ts";

/** The connections that are served, and how many there are of each client. */
export class Connections {
  readonly #all = new Set<Connection>();
  readonly #counts = new OriginCounts();

  get size(): number {
    return this.#all.size;
  }

  add(connection: Connection): void {
    this.#all.add(connection);
    this.#counts.add(connection.origin);
  }

  /** Whether it was there. */
  remove(connection: Connection): boolean {
    if (!this.#all.delete(connection)) return false;
    this.#counts.remove(connection.origin);
    return true;
  }

  /** Those of the same client, by its address. */
  countFrom(origin: Origin): number {
    return this.#counts.countFrom(origin);
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#all.values();
  }
}
