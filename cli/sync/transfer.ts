import type { Event } from "../../src/protocol/event.ts";
import type { Management } from "../client/management.ts";
import { pause, type Side } from "./side.ts";

/** Events that are fetched with one request. */
const BATCH = 200;

/** Characters of events that wait for their OK at most, and how many. */
const MAX_UNANSWERED = { characters: 2 << 20, events: 100 };

/** How long a relay may take for an OK, in milliseconds. */
const OK_MS = 60_000;

/** How often an event is sent again that came too fast. */
const MAX_TRIES = 20;

/** Reasons of refusals that are told apart, and characters of each. */
const MAX_REASONS = { count: 50, characters: 100 };

/** What one call of `importevents` takes at most: characters, and bytes of the body of the request. */
const MAX_RESTORED = { characters: 1 << 19, bytes: (1 << 21) - 100 };

/** What went from one relay to another; each event counts in one of the members but `found`. */
export interface Transferred {
  /** Events that only the one had. */
  found: number;
  copied: number;
  /** The other had it meanwhile, or something newer in its place. */
  known: number;
  /** The one no longer gave it: deleted or expired meanwhile, or not for this key. */
  withheld: number;
  /** How many the other refused, by reason. */
  refused: Record<string, number>;
}

/** Carries events from one relay to another. */
export class Transfer {
  readonly done: Transferred = { found: 0, copied: 0, known: 0, withheld: 0, refused: {} };
  readonly #from: Side;
  readonly #to: Side;
  readonly #isDry: boolean;
  readonly #management: Management | undefined;

  /** A dry one only counts what it would carry. With the management of the other relay it restores (R-05-78). */
  constructor(from: Side, to: Side, isDry: boolean, management?: Management) {
    this.#from = from;
    this.#to = to;
    this.#isDry = isDry;
    this.#management = management;
  }

  /** Carries the events of these ids; `known` has some of them that need no fetching. */
  async move(ids: readonly string[], known?: ReadonlyMap<string, Event>): Promise<void> {
    this.done.found += ids.length;
    if (this.#isDry) return;
    let next = this.#batch(ids, 0, known);
    for (let at = 0; at < ids.length; at += BATCH) {
      const events = await next;
      next = this.#batch(ids, at + BATCH, known);
      // Awaited in the next turn; what fails before does not fail unheard.
      next.catch(() => {});
      this.done.withheld += Math.min(BATCH, ids.length - at) - events.length;
      await this.put(events);
    }
  }

  /** Stores events: as an import if there is a management for it, else each as if its author published it. */
  async put(events: readonly Event[]): Promise<void> {
    const { restorable, others } = this.#management === undefined ? { restorable: [], others: events } : split(events);
    for (const lines of restorable) await this.#restore(lines);
    await this.#publishAll(others);
  }

  async #restore(lines: readonly string[]): Promise<void> {
    const result = await this.#management?.call<Imported>("importevents", lines.join("\n"));
    if (result === undefined) return;
    this.done.copied += result.stored;
    this.done.known += result.duplicates;
    for (const [, reason] of result.refused) {
      if (reason.startsWith("duplicate:")) this.done.known++;
      else this.#refused(reason);
    }
  }

  async #publishAll(events: readonly Event[]): Promise<void> {
    const unanswered = new Set<Promise<void>>();
    let characters = 0;
    for (const event of events) {
      const size = event.content.length + JSON.stringify(event.tags).length;
      while (
        unanswered.size >= MAX_UNANSWERED.events ||
        (characters > 0 && characters + size > MAX_UNANSWERED.characters)
      ) {
        await Promise.race(unanswered);
      }
      characters += size;
      const publication = this.#publish(event).finally(() => {
        unanswered.delete(publication);
        characters -= size;
      });
      unanswered.add(publication);
    }
    await Promise.all(unanswered);
  }

  async #batch(ids: readonly string[], at: number, known?: ReadonlyMap<string, Event>): Promise<Event[]> {
    const batch = ids.slice(at, at + BATCH);
    if (batch.length === 0) return [];
    if (known === undefined) return this.#from.fetch(batch);
    return batch.flatMap((id) => known.get(id) ?? []);
  }

  async #publish(event: Event): Promise<void> {
    for (let tries = 1; ; tries++) {
      const { accepted, text } = await this.#to.connection.publish(event, OK_MS);
      if (text.startsWith("duplicate:")) this.done.known++;
      else if (accepted) this.done.copied++;
      else if (text.startsWith("rate-limited:") && tries < MAX_TRIES) {
        await pause(text);
        continue;
      } else this.#refused(text);
      return;
    }
  }

  #refused(text: string): void {
    const { refused } = this.done;
    const reason = text.slice(0, MAX_REASONS.characters);
    const isNew = !Object.hasOwn(refused, reason);
    const name = isNew && Object.keys(refused).length >= MAX_REASONS.count ? "other reasons" : reason;
    refused[name] = (refused[name] ?? 0) + 1;
  }
}

/** One answer of `importevents`. */
interface Imported {
  stored: number;
  duplicates: number;
  refused: [line: number, reason: string][];
}

/** Events in batches that one call takes, and those that no call does. */
function split(events: readonly Event[]): { restorable: string[][]; others: Event[] } {
  const restorable: string[][] = [];
  const others: Event[] = [];
  let batch = { characters: 0, bytes: 0 };
  for (const event of events) {
    const line = JSON.stringify(event);
    const bytes = Buffer.byteLength(JSON.stringify(line));
    if (line.length > MAX_RESTORED.characters || bytes > MAX_RESTORED.bytes / 2) {
      others.push(event);
      continue;
    }
    const isFull =
      batch.characters + line.length > MAX_RESTORED.characters || batch.bytes + bytes > MAX_RESTORED.bytes / 2;
    if (restorable.length === 0 || isFull) {
      restorable.push([]);
      batch = { characters: 0, bytes: 0 };
    }
    restorable.at(-1)?.push(line);
    batch.characters += line.length;
    batch.bytes += bytes;
  }
  return { restorable, others };
}
