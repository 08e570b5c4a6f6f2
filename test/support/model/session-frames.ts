import type { Event } from "nostr-tools/pure";
import { type Frame, RELAY_URL } from "../client.ts";
import { type Key, signed } from "../keys.ts";
import { KEYS } from "./drafts.ts";
import type { Expected } from "./expected.ts";

/** All orders that keep the order within each track. */
export function interleavings<T>(tracks: T[][]): T[][] {
  const open = tracks.filter((track) => track.length > 0);
  if (open.length === 0) return [[]];
  return open.flatMap((track) =>
    interleavings(open.map((other) => (other === track ? track.slice(1) : other))).map((rest) => [
      track[0] as T,
      ...rest,
    ]),
  );
}

/** A COUNT may carry more than the number (R-05-34, R-05-36). */
export function withoutExtras(frame: Frame): Frame {
  if (frame[0] !== "COUNT" || typeof frame[2] !== "object" || frame[2] === null) return frame;
  const { hll, approximate, ...rest } = frame[2] as Record<string, unknown>;
  if (hll !== undefined && !/^[0-9a-f]{512}$/.test(String(hll))) return frame;
  return approximate === undefined || approximate === false ? [frame[0], frame[1], rest] : frame;
}

export function keyNumber(pubkey: string): number {
  return KEYS.findIndex((key) => key.pubkey === pubkey);
}

export function brief({ anyOf, isUnordered, mayBeCut }: Expected): unknown {
  const forms = anyOf.map((frames) => frames.map(short));
  return { ...(isUnordered ? { live: forms[0]?.[0] } : { oneOf: forms }), ...(mayBeCut ? { mayBeCut } : {}) };
}

/** Enough of a frame to tell what it is. */
export function short(frame: Frame): unknown[] {
  return frame.map((item) => {
    if (typeof item === "string") return item.length === 64 ? item.slice(0, 8) : item;
    if (frame[0] !== "EVENT") return item;
    const { id, pubkey, kind, created_at } = item as Event;
    return `${id.slice(0, 8)} kind ${kind} of ${keyNumber(pubkey)} at ${created_at}`;
  });
}

export function authEvent(by: Key, challenge: string, created_at: number): Event {
  const tags = [
    ["relay", RELAY_URL],
    ["challenge", challenge],
  ];
  return signed(by, { kind: 22242, created_at, tags });
}
