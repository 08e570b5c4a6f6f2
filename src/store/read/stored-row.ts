import { idOfRaw, kindOfRaw, timeOfRaw } from "../../protocol/event.ts";
import { placeOf } from "../place.ts";
import type { Comparable } from "./merge.ts";
import type { Range } from "./query-plan.ts";

/** A stored event on its way out: its text, which says all that may be asked. Mostly nothing is. */
export class StoredRow implements Comparable<StoredRow> {
  #time: number | undefined;
  #id: string | undefined;
  readonly raw: string;
  readonly #range: Pick<Range, "index" | "kind" | "residual">;

  constructor(raw: string, range: Pick<Range, "index" | "kind" | "residual">) {
    this.raw = raw;
    this.#range = range;
  }

  /** Its place in the order of R-03-10, as lowercase hex (`place.ts`). */
  get place(): string {
    return placeOf(this.time, this.id);
  }

  /** Unix seconds. */
  get time(): number {
    this.#time ??= timeOfRaw(this.raw);
    return this.#time;
  }

  get id(): string {
    this.#id ??= idOfRaw(this.raw);
    return this.#id;
  }

  /** The order of R-03-10. */
  compare(other: StoredRow): number {
    if (other === this) return 0;
    const later = other.time - this.time;
    if (later !== 0) return later;
    return this.id < other.id ? -1 : this.id > other.id ? 1 : 0;
  }

  get kind(): number {
    return this.#range.index === "id" ? kindOfRaw(this.raw) : this.#range.kind;
  }

  /** The row must still be held against the whole filter. */
  get residual(): boolean {
    return this.#range.residual;
  }
}
