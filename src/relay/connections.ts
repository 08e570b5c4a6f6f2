import type { Connection, Origin } from "./connection.ts";
import { Places } from "./places.ts";

/** The connections that are served, and how many there are of each client. */
export class Connections {
  readonly #all = new Set<Connection>();
  readonly #places = new Places();

  get size(): number {
    return this.#all.size;
  }

  add(connection: Connection): void {
    this.#all.add(connection);
    this.#places.add(connection.origin);
  }

  /** Whether it was there. */
  remove(connection: Connection): boolean {
    if (!this.#all.delete(connection)) return false;
    this.#places.remove(connection.origin);
    return true;
  }

  /** Those of the same client, by its address. */
  countFrom(origin: Origin): number {
    return this.#places.countFrom(origin);
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#all.values();
  }
}
