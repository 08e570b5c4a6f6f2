import type { Event } from "nostr-tools/pure";
import type { Frame } from "../../support/client.ts";
import type { Party } from "./party.ts";

/** A frame of a client that was served. */
export interface Served {
  party: Party;
  frame: Frame;
  /** It was held until the login, and served then (R-06-06). */
  isRepeat?: boolean;
}

/** Events that were served and wait for their OK, in the order in which they were served. */
export class WaitingEvents {
  #all: Served[] = [];

  get first(): Served | undefined {
    return this.#all[0];
  }

  add(served: Served): void {
    this.#all.push(served);
  }

  hasOf(party: Party): boolean {
    return this.#all.some((served) => served.party === party);
  }

  clear(): void {
    this.#all = [];
  }

  /** Takes out those that have their OK among these frames, each with what it says. */
  answered(sent: readonly { party: Party; frame: Frame | undefined }[]): { served: Served; text: unknown }[] {
    if (this.#all.length === 0) return [];
    const oks = sent.filter(({ frame }) => frame?.[0] === "OK");
    const answered: { served: Served; text: unknown }[] = [];
    this.#all = this.#all.filter((served) => {
      const { id } = served.frame[1] as Event;
      const at = oks.findIndex(({ party, frame }) => party === served.party && frame?.[1] === id);
      if (at < 0) return true;
      const [ok] = oks.splice(at, 1);
      answered.push({ served, text: ok?.frame?.[3] });
      return false;
    });
    return answered;
  }
}
