import type { Event } from "nostr-tools/pure";
import type { Filter, Frame } from "../client.ts";
import type { Sync } from "./oracle-state.ts";

/** Something that one connection has to be sent. */
export interface Expected {
  connection: number;
  /** The frames, or, where the reference leaves a choice, each form it allows. A text ending in `…` is a prefix. */
  anyOf: Frame[][];
  /** The event that is delivered live, and whether it is stored. */
  live?: { event: Event; isStored: boolean };
  /** Of a stored answer: all visible matches in order, and those of them that it has as far as nothing goes meanwhile. */
  stored?: { filters: Filter[]; all: Event[]; chosen: Event[] };
  /** Of an answer to a COUNT: what else it may be by now. */
  again?: () => Frame[];
  /** Of an answer to a sync. */
  sync?: Sync | undefined;
}

/** Frames of different subjects may come in any order, those of one subject come in theirs. */
export function subjectOf(frame: Frame): string {
  const [verb, id, text] = frame;
  if (verb === "OK") return `OK ${id}`;
  if (verb === "NOTICE") return "NOTICE";
  if (verb.startsWith("NEG-")) return `sync ${id}`;
  // COUNT ids are a namespace of their own (R-01-13); only a COUNT is refused as restricted.
  if (verb === "COUNT" || String(text).startsWith("restricted:")) return `COUNT ${id}`;
  return `subscription ${id}`;
}

/** Whether a frame is the wanted one. */
export function isFrame(wanted: Frame | undefined, frame: Frame | undefined): boolean {
  if (wanted === undefined || frame === undefined || wanted.length !== frame.length) return false;
  return wanted.every((item, i) => {
    const got = frame[i];
    if (typeof item !== "string" || !item.endsWith("…")) return isSame(item, got);
    const start = item.slice(0, -1);
    return typeof got === "string" && got.startsWith(start) && got.length > start.length;
  });
}

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => key in b && isSame((a as Indexed)[key], (b as Indexed)[key]));
}

type Indexed = Record<string, unknown>;
