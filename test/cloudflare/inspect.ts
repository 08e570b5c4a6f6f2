import { runInDurableObject } from "cloudflare:test";
import { expect, vi } from "vitest";
import type { RelayObject } from "../../src/hosts/cloudflare/relay-object.ts";
import type { Client } from "../support/client.ts";
import { freshRelay, type WorkerdRelay } from "../support/hosts/workerd.ts";
import type { Settings } from "../support/relay.ts";

export { expectEose } from "../support/stock.ts";

/** How long a test waits for the row of a subscription, which is written a second or so after EOSE (R-06-20). */
const WRITTEN_MS = 10_000;

/** R-06-11: members whose names are part of the protocol. */
export interface Metadata {
  conn_id: string;
  pubkey: unknown;
  challenge: unknown;
  authenticated: unknown;
  pubkeys: unknown;
}

/** A relay of its own, with a look at what the object keeps: rows in its storage, attachments of its sockets. */
export interface Inspection {
  /** Takes the object out of memory. Timers that are pending run out first. */
  evict(): Promise<void>;
  /** The same, but no row that is not yet written gets written: as if the object had gone before its timer. */
  evictUnwritten(): Promise<void>;
  inside<R>(body: (state: DurableObjectState, object: RelayObject) => R | Promise<R>): Promise<R>;
  rows(prefix?: string): Promise<Record<string, unknown>>;
  /** Waits until these, and no others, are the keys of all subscription rows. */
  expectRows(...keys: string[]): Promise<void>;
  metadataOf(client: Client): Promise<Metadata>;
  /** What the keys of the rows of this connection begin with (R-06-18). */
  prefixOf(client: Client): Promise<string>;
}

export type InspectedRelay = WorkerdRelay & Inspection;

export const inspectedRelay = (settings?: Settings): InspectedRelay => inspected(freshRelay(settings));

export function inspected<R extends WorkerdRelay>(relay: R): R & Inspection {
  const evict = (): Promise<void> => relay.restart();
  const inside = <R>(body: (state: DurableObjectState, object: RelayObject) => R | Promise<R>): Promise<R> =>
    runInDurableObject<RelayObject, R>(relay.stub, (object, state) => body(state, object));
  const rows = (prefix = "sub:"): Promise<Record<string, unknown>> =>
    inside((state) => Object.fromEntries(state.storage.kv.list({ prefix })));
  const metadataOf = (client: Client): Promise<Metadata> => inside((state) => attachmentOf(socketOf(state, client)));
  return {
    ...relay,
    evict,
    async evictUnwritten() {
      // Writes that do nothing, so that none is tried again. The next instance has a storage and sockets of its own.
      await inside((state) => {
        muteMethod(state.storage.kv, "put");
        for (const socket of state.getWebSockets()) muteMethod(socket, "serializeAttachment");
      });
      await evict();
    },
    inside,
    rows,
    expectRows: (...keys) =>
      vi.waitFor(async () => expect(Object.keys(await rows()).sort()).toEqual(keys.sort()), {
        timeout: WRITTEN_MS,
        interval: 25,
      }),
    metadataOf,
    prefixOf: async (client) => `sub:${(await metadataOf(client)).conn_id}:`,
  };
}

export function attachmentOf(socket: WebSocket): Metadata {
  return socket.deserializeAttachment() as Metadata;
}

/** The relay's end of the connection. */
export function socketOf(state: DurableObjectState, { challenge }: Client): WebSocket {
  const socket = state.getWebSockets().find((candidate) => attachmentOf(candidate)?.challenge === challenge);
  if (socket === undefined) throw new Error("no such connection");
  return socket;
}

/** Replaces a method of an object of the runtime by one that throws; `mendMethod` puts it back. */
export function breakMethod(target: object, method: string, onCall?: () => void): void {
  Object.defineProperty(target, method, {
    configurable: true,
    value: () => {
      onCall?.();
      throw new Error("secret detail of SQLITE");
    },
  });
}

/** Replaces a method by one that does nothing. */
function muteMethod(target: object, method: string): void {
  Object.defineProperty(target, method, { configurable: true, value: () => {} });
}

export function mendMethod(target: object, method: string): void {
  Reflect.deleteProperty(target, method);
}
