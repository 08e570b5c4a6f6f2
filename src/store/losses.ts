import type { Event, IndexedTag } from "../protocol/event.ts";
import { canRead, type Reader } from "../protocol/visibility.ts";

/** What is asked of the store while it may change. */
export interface Watch {
  /** Whether all that its reader could see when this was set can still be seen. */
  isIntact: boolean;
}

/** Events that were removed, or hidden because their author vanished: whoever watches learns of those it could see. */
export class Losses {
  readonly #watches = new Map<Watch, Reader>();
  /** Changes with each. */
  count = 0;

  /** To be ended. */
  watch(reader: Reader): Watch {
    const watch = { isIntact: true };
    this.#watches.set(watch, reader);
    return watch;
  }

  end(watch: Watch): void {
    this.#watches.delete(watch);
  }

  /** Of an event that is private strangers learn nothing, not even that something went (R-05-29). */
  note(event: Event, tags: readonly IndexedTag[]): void {
    this.count++;
    for (const [watch, reader] of this.#watches) if (canRead(reader, event, tags)) watch.isIntact = false;
  }

  /** A request to vanish, which anybody may see, hides any number of events. */
  noteVanishing(): void {
    for (const watch of this.#watches.keys()) watch.isIntact = false;
  }
}
