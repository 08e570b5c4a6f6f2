import type { Event, IndexedTag } from "./event.ts";

/** Who is reading: the authed set of the connection, and the kinds that only their parties may see (R-05-28). */
export interface Reader {
  readonly authed: ReadonlySet<string>;
  readonly privateKinds: ReadonlySet<number>;
}

/** Whether the reader may see the event: private kinds are for their author and their `p`-tagged keys only. */
export function canRead(reader: Reader, event: Event, tags: readonly IndexedTag[]): boolean {
  if (!reader.privateKinds.has(event.kind)) return true;
  if (reader.authed.has(event.pubkey)) return true;
  for (const [letter, value] of tags) if (letter === "p" && reader.authed.has(value)) return true;
  return false;
}
