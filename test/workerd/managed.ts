import { expect } from "vitest";
import type { Client } from "../support/client.ts";
import { admin, alice, unique } from "../support/keys.ts";
import { caller } from "../support/manage.ts";
import { inspectedRelay } from "./inspect.ts";

/** A relay, and the means to call its methods as the operator or as another key. */
export function managedRelay() {
  const relay = inspectedRelay();
  const as = (by = admin) => caller((url, init) => relay.stub.fetch(url, init), by);
  return { ...relay, as, call: as() };
}

/** What a change that was made is answered with. */
export const DONE = { status: 200, result: true };

/** Publishes an event of alice, which must be accepted. */
export async function publishOne(client: Client) {
  const event = unique(alice);
  expect((await client.publish(event))[2]).toBe(true);
  return event;
}
