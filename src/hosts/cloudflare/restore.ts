import { type Filter, parseFilter } from "../../protocol/filter.ts";
import { type Config, filterOptions } from "../../relay/config/config.ts";
import { Connection, originOf } from "../../relay/connection.ts";
import type { Logger } from "../../relay/ports.ts";
import type { Relay } from "../../relay/relay.ts";
import { parseAttachment, type Unwritten } from "./attachment.ts";
import { type Hibernation, ROW_PREFIX } from "./hibernation.ts";
import type { Sockets } from "./sockets/sockets.ts";

/** What takes part in a restart. */
export interface Parts {
  readonly state: DurableObjectState;
  readonly config: Config;
  readonly sockets: Sockets;
  readonly hibernation: Hibernation;
  readonly relay: Relay;
  readonly report: Logger;
}

/**
 * Puts connections and subscriptions back together after the object was away (R-06-12). A socket without a readable
 * attachment starts anew, unauthenticated (R-06-13); one that was closed stays so; rows without a connection are purged
 * (R-06-19).
 */
export function restore(parts: Parts): void {
  const byId = new Map<string, Connection>();
  const unwritten: [Connection, Unwritten][] = [];
  for (const webSocket of parts.state.getWebSockets()) {
    const restored = restoreConnection(parts, webSocket);
    if (restored === undefined) continue;
    byId.set(restored.connection.id, restored.connection);
    for (const entry of restored.unwritten) unwritten.push([restored.connection, entry]);
  }
  restoreRows(parts, byId);
  for (const [connection, [id, source]] of unwritten) {
    if (source === null && connection.subscriptions.has(id)) continue;
    if (!restoreSubscription(parts, connection, id, source, false)) lose(connection, id);
  }
}

/** Undefined of a socket that is not served again: it was closed, or begins anew. */
function restoreConnection(
  { state, config, sockets, hibernation, relay }: Parts,
  webSocket: WebSocket,
): { connection: Connection; unwritten: Unwritten[] } | undefined {
  const [ip] = state.getTags(webSocket);
  const origin = ip === undefined ? undefined : originOf(ip);
  const peer = sockets.add(webSocket, origin);
  if (peer.socket.isClosed) return undefined;
  const attachment = parseAttachment(webSocket.deserializeAttachment());
  if (attachment === undefined) {
    hibernation.keep(sockets.connect(peer, (socket) => relay.open(socket, origin)));
    return undefined;
  }
  const { identity, unwritten } = attachment;
  const connection = sockets.connect(peer, (socket) => new Connection(socket, identity, config.privateKinds, origin));
  relay.restore(connection);
  return { connection, unwritten };
}

function restoreRows(parts: Parts, byId: ReadonlyMap<string, Connection>): void {
  const { kv } = parts.state.storage;
  const useless: string[] = [];
  for (const [key, source] of kv.list({ prefix: ROW_PREFIX })) {
    const [, connectionId = "", ...rest] = key.split(":");
    const connection = byId.get(connectionId);
    const id = rest.join(":");
    if (connection !== undefined && restoreSubscription(parts, connection, id, source, true)) continue;
    useless.push(key);
    if (connection === undefined) continue;
    parts.report("unreadable subscription row", { key });
    lose(connection, id);
  }
  if (useless.length === 0) return;
  parts.state.storage.transactionSync(() => {
    for (const key of useless) kv.delete(key);
  });
}

/** False if `source` is no list of filters. */
function restoreSubscription(
  { config, hibernation, relay }: Parts,
  connection: Connection,
  id: string,
  source: unknown,
  isWritten: boolean,
): boolean {
  if (!Array.isArray(source)) return false;
  const filters: Filter[] = [];
  for (const value of source) {
    const filter = parseFilter(value, filterOptions(config));
    if (!filter.ok) return false;
    filters.push(filter.value);
  }
  hibernation.restored(relay.subscriptions.restore(connection, id, filters), isWritten);
  return true;
}

function lose(connection: Connection, id: string): void {
  connection.send(["CLOSED", id, "error: subscription lost, send it again"]);
}
