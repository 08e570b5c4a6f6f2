/** The sum of the ids of events, modulo 2^256, and their number: it is the same for the same events in any order. */
export class Digest {
  #sum: bigint;
  count: number;

  constructor(text = "0", count = 0) {
    this.#sum = BigInt(`0x${text}`);
    this.count = count;
  }

  /** Adds an event by its id, 64 hex digits. */
  add(id: string): void {
    this.#sum += BigInt(`0x${id}`);
    this.count++;
  }

  /** 64 hex digits. */
  toString(): string {
    return BigInt.asUintN(256, this.#sum).toString(16).padStart(64, "0");
  }
}
