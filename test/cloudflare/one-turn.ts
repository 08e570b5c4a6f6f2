import { runInDurableObject } from "cloudflare:test";
import type { Client } from "../support/client.ts";

/** Microtasks in which all runs that can. */
const ALL = 100;

interface RelayObject extends Rpc.DurableObjectBranded {
  webSocketMessage(socket: WebSocket, message: string): Promise<void>;
}

/**
 * A frame, from whom, and in how many microtasks something may run before the next. Of one client a frame is received
 * when all has run that can, whatever came between.
 */
export type Arrival = [from: Client, frame: unknown[], microtasks?: number];

/**
 * Has a relay receive frames in one turn, before any timer of its own rings, as when frames that have waited are begun.
 * Answers come over the sockets.
 */
export async function receiveTogether(stub: DurableObjectStub, arrivals: readonly Arrival[]): Promise<void> {
  await runInDurableObject(stub as DurableObjectStub<RelayObject>, async (object, state) => {
    const sockets = new Map(state.getWebSockets().map((socket) => [challengeOf(socket), socket]));
    const heard = new Set<Client>();
    for (const [client, frame, microtasks = ALL] of arrivals) {
      const socket = sockets.get(client.challenge);
      if (socket === undefined) throw new Error("this client is not connected");
      if (heard.has(client)) await run(ALL);
      heard.add(client);
      void object.webSocketMessage(socket, JSON.stringify(frame));
      await run(microtasks);
    }
  });
}

async function run(microtasks: number): Promise<void> {
  for (let step = 0; step < microtasks; step++) await undefined;
}

function challengeOf(socket: WebSocket): string {
  return (socket.deserializeAttachment() as { challenge: string }).challenge;
}
