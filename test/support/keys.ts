import { type Event, type EventTemplate, finalizeEvent, getPublicKey } from "nostr-tools/pure";

/** A test key: secret key n is the number n, as in the published vectors. Never used outside tests. */
export interface Key {
  secret: Uint8Array;
  pubkey: string;
}

export function key(n: number): Key {
  const secret = new Uint8Array(32);
  new DataView(secret.buffer).setUint32(28, n);
  return { secret, pubkey: getPublicKey(secret) };
}

export const alice = key(1);
export const bob = key(2);
export const carol = key(3);
/** The one operator of the relays that run inside the tests. */
export const admin = key(0xad);

export function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** A signed event; what is not given is kind 1, now, no tags, empty. Signed by nostr-tools, not by Nexus. */
export function signed(by: Key, template: Partial<EventTemplate> = {}): Event {
  const event = finalizeEvent({ kind: 1, created_at: now(), tags: [], content: "", ...template }, by.secret);
  // As plain data: nostr-tools leaves a mark on what it has signed.
  return JSON.parse(JSON.stringify(event)) as Event;
}

let serial = 0;

/** An event that differs from every other of this run, unless `template` gives its content: then only by what else it gives. */
export function unique(by: Key, template: Partial<EventTemplate> = {}): Event {
  return signed(by, { content: `${++serial} ${crypto.randomUUID()}`, ...template });
}
