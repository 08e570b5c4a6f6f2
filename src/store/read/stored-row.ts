import { idOfRaw, kindOfRaw, timeOfRaw } from "../../protocol/event.ts";
import { placeOf } from "../place.ts";
import type { Comparable } from "./merge.ts";

/** A stored event on its way out: its text, which says all that may be asked. Mostly little is, and it is kept. */
export class StoredRow implements Comparable<StoredRow> {
  readonly raw: string;
  #time = -1;
  #id: string | undefined;
  #kind = -1;

  constructor(raw: string) {
    this.raw = raw;
  }

  /** Its place in the order of R-03-10, as lowercase hex (`place.ts`). */
  get place(): string {
    return placeOf(this.time, this.id);
  }

  /** Unix seconds. */
  get time(): number {
    if (this.#time < 0) this.#time = timeOfRaw(this.raw);
    return this.#time;
  }

  get id(): string {
    this.#id ??= idOfRaw(this.raw);
    return this.#id;
  }

  get kind(): number {
    if (this.#kind < 0) this.#kind = kindOfRaw(this.raw);
    return this.#kind;
  }

  /** The order of R-03-10. */
  compare(other: StoredRow): number {
    if (other === this) return 0;
    const later = other.time - this.time;
    if (later !== 0) return later;
    return this.id < other.id ? -1 : this.id > other.id ? 1 : 0;
  }
}
