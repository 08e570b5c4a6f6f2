import type { Event } from "nostr-tools/pure";

import { type Frame, RELAY_URL } from "../client.ts";
import { type Draft, KEYS } from "./drafts.ts";
import type { Expected } from "./expected.ts";

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

export function brief({ anyOf, live }: Expected): unknown {
  const forms = anyOf.map((frames) => frames.map(short));
  return live === undefined ? { oneOf: forms } : { live: forms[0]?.[0] };
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

export function authDraft(by: number, challenge: string, created_at: number): Draft {
  const tags = [
    ["relay", RELAY_URL],
    ["challenge", challenge],
  ];
  return { by, kind: 22242, created_at, tags, content: "" };
}
