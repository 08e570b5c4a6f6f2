import type { Origin } from "./connection.ts";

/** How many connections of a sort there are, in all and of each client. */
export class OriginCounts {
  size = 0;
  /** By network. */
  readonly #counts = new Map<string, number>();

  add(origin: Origin | undefined): void {
    this.#change(origin, 1);
  }

  remove(origin: Origin | undefined): void {
    this.#change(origin, -1);
  }

  /** Those of the same client, by its address. */
  countFrom({ network }: Origin): number {
    return this.#counts.get(network) ?? 0;
  }

  #change(origin: Origin | undefined, by: 1 | -1): void {
    this.size += by;
    if (origin === undefined) return;
    const count = this.countFrom(origin) + by;
    if (count > 0) this.#counts.set(origin.network, count);
    else this.#counts.delete(origin.network);
  }
}
