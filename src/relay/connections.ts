import type { Connection, Origin } from "./connection.ts";

/** The connections that are served, and how many there are of each client. */
export class Connections {
  readonly #all = new Set<Connection>();
  /** By network. */
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#all.size;
  }

  add(connection: Connection): void {
    this.#all.add(connection);
    this.#count(connection.origin, 1);
  }

  /** Whether it was there. */
  remove(connection: Connection): boolean {
    if (!this.#all.delete(connection)) return false;
    this.#count(connection.origin, -1);
    return true;
  }

  /** Those of the same client, by its address. */
  countFrom({ network }: Origin): number {
    return this.#counts.get(network) ?? 0;
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.#all.values();
  }

  #count(origin: Origin | undefined, by: 1 | -1): void {
    if (origin === undefined) return;
    const count = this.countFrom(origin) + by;
    if (count > 0) this.#counts.set(origin.network, count);
    else this.#counts.delete(origin.network);
  }
}
