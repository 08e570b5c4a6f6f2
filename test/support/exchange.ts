import { expect } from "vitest";
import type { Client, Frame } from "./client.ts";
import { alice, unique } from "./keys.ts";
import { freshRelay } from "./relay.ts";

/** Alice's connection to a fresh relay. */
export function login(): Promise<Client> {
  return freshRelay().login(alice);
}

/** Sends one frame and returns all that came back. */
export async function exchange(client: Client, frame: unknown): Promise<Frame[]> {
  client.send(frame);
  return client.settled();
}

/** Sends one frame to a fresh relay; returns the connection and all that came back. */
export async function provoke(frame: unknown): Promise<{ client: Client; frames: Frame[] }> {
  const client = await login();
  return { client, frames: await exchange(client, frame) };
}

/** R-01-21: the next well-formed messages on the connection are served normally. */
export async function expectServed(client: Client): Promise<void> {
  const event = unique(alice);
  expect(await client.publish(event)).toEqual(["OK", event.id, true, ""]);
  expect(await client.query({ ids: [event.id] })).toEqual([event]);
}
