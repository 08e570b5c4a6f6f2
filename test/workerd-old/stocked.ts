import type { Event } from "../../src/protocol/event.ts";
import { freshRelay, type WorkerdRelay } from "../support/relay.workerd.ts";
import { stock } from "../support/stock.ts";

export { alarmOf } from "../cloudflare/inside.ts";
export * from "../support/stock.ts";

/** A relay that holds the events from before its start. */
export async function relayHolding(...events: Event[]): Promise<WorkerdRelay> {
  const relay = freshRelay();
  await stock(relay, events);
  return relay;
}

export const relayWith = async (variables: Record<string, string>): Promise<WorkerdRelay> => freshRelay(variables);
export const ring = (relay: WorkerdRelay): Promise<boolean> => relay.ringOnce();
export const ringAll = (relay: WorkerdRelay): Promise<void> => relay.ring();
export const evict = (relay: WorkerdRelay): Promise<void> => relay.restart();
