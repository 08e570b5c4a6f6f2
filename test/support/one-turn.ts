import { runInDurableObject } from "cloudflare:test";
import type { Client } from "./client.ts";

/** Microtasks in which all runs that can. */
const ALL = 100;

interface RelayObject extends Rpc.DurableObjectBranded {
  webSocketMessage(socket: WebSocket, message: string): Promise<void>;
}

/** A frame, from whom, and in how many microtasks something may run before the next. */
export type Arrival = [from: Client, frame: unknown[], microtasks?: number];

/**
 * Has a relay receive frames in one turn, before any timer of its own rings, as when frames that have waited are begun.
 * Answers come over the sockets.
 */
export async function receiveTogether(stub: DurableObjectStub, arrivals: readonly Arrival[]): Promise<void> {
  await runInDurableObject(stub as DurableObjectStub<RelayObject>, async (object, state) => {
    const sockets = new Map(state.getWebSockets().map((socket) => [challengeOf(socket), socket]));
    for (const [{ challenge }, frame, microtasks = ALL] of arrivals) {
      const socket = sockets.get(challenge);
      if (socket === undefined) throw new Error("this client is not connected");
      void object.webSocketMessage(socket, JSON.stringify(frame));
      for (let step = 0; step < microtasks; step++) await undefined;
    }
  });
}

function challengeOf(socket: WebSocket): string {
  return (socket.deserializeAttachment() as { challenge: string }).challenge;
}
