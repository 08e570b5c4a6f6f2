import { expect } from "vitest";
import type { Client } from "./client.ts";
import { admin, alice, unique } from "./keys.ts";
import { caller } from "./manage.ts";
import { freshRelay, type Settings } from "./relay.ts";

/** A relay, and the means to call its methods as the operator or as another key. */
export function managedRelay(settings?: Settings) {
  const relay = freshRelay(settings);
  const as = (by = admin) => caller(relay.fetch, by);
  return { ...relay, as, call: as() };
}

/** What a change that was made is answered with. */
export const DONE = { status: 200, result: true };

/** What the same change is answered with that was made before (R-05-74). */
export const SAME = { ...DONE, unchanged: true };

/** The answers to a change that is made twice. */
export const TWICE = [DONE, SAME];

/** Publishes an event of alice, which must be accepted. */
export async function publishOne(client: Client) {
  const event = unique(alice);
  expect((await client.publish(event))[2]).toBe(true);
  return event;
}
