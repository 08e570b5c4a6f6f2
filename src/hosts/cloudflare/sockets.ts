import { type Filter, parseFilter } from "../../protocol/filter.ts";
import { type Config, filterOptions } from "../../relay/config/config.ts";
import {
  type Attachment,
  Connection,
  newAttachment,
  type Origin,
  originOf,
  parseAttachment,
} from "../../relay/connection.ts";
import type { Clock, Log, Socket, SubscriptionRows } from "../../relay/ports.ts";
import type { Subscriptions } from "../../relay/read/subscriptions.ts";
import { Places } from "./places.ts";

const ROW_PREFIX = "sub:";

/** The hibernating WebSockets of the object and the connections behind them. */
export class Sockets {
  readonly #state: DurableObjectState;
  readonly #config: Config;
  readonly #clock: Clock;
  readonly #report: Log;
  readonly #release: (connection: Connection) => void;
  readonly #connections = new Map<WebSocket, Connection>();
  /** Connections that are served. */
  readonly open = new Places();
  /** Those that the relay has closed and whose client has not gone: the runtime cannot make it. */
  readonly lingering = new Places();

  /** `release` frees what is kept for a connection when the relay closes it. */
  constructor(
    state: DurableObjectState,
    config: Config,
    clock: Clock,
    report: Log,
    release: (connection: Connection) => void,
  ) {
    this.#release = release;
    this.#state = state;
    this.#config = config;
    this.#clock = clock;
    this.#report = report;
  }

  /** Takes over an upgraded socket and sends the challenge as its first frame (R-01-02). */
  accept(origin: Origin | undefined): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    const attachment = newAttachment(this.#clock.nowSeconds());
    const connection = this.#connect(server, attachment, origin);
    // The tag brings the address through hibernation.
    this.#state.acceptWebSocket(server, origin === undefined ? [] : [origin.address]);
    connection.save();
    connection.graceUntilMs = Date.now() + this.#config.authGraceMs;
    this.#add(server, connection);
    connection.send(["AUTH", connection.challenge]);
    return new Response(null, { status: 101, webSocket: client });
  }

  get(socket: WebSocket): Connection | undefined {
    return this.#connections.get(socket);
  }

  /** Forgets a socket that has closed; its connection, if it had one. */
  remove(socket: WebSocket): Connection | undefined {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return undefined;
    this.#connections.delete(socket);
    this.#placesOf(connection).remove(connection.origin);
    return connection;
  }

  /** Ends all connections from blocked addresses, which are normalized, with a NOTICE and 1008. */
  closeBlocked(isBlocked: (address: string) => boolean): void {
    for (const connection of this.all()) {
      const { origin } = connection;
      if (origin !== undefined && isBlocked(origin.address)) connection.close(1008, "blocked: this address is blocked");
    }
  }

  /** Connections that are served. */
  *all(): Iterable<Connection> {
    for (const connection of this.#connections.values()) if (!connection.isClosed) yield connection;
  }

  #connect(socket: WebSocket, attachment: Attachment, origin: Origin | undefined): Connection {
    const { privateKinds, authRequired } = this.#config;
    const connection = new Connection(socketOf(this.#state, socket), attachment, privateKinds, origin);
    connection.outbound.isStranger = authRequired && !connection.isAuthenticated;
    return connection;
  }

  #add(socket: WebSocket, connection: Connection): void {
    this.#connections.set(socket, connection);
    this.#placesOf(connection).add(connection.origin);
    connection.onDismissed = () => {
      this.open.remove(connection.origin);
      this.lingering.add(connection.origin);
      try {
        this.#release(connection);
      } catch (error) {
        // It is closed all the same; what is left of it goes with its socket.
        this.#report("releasing failed", { connection: connection.id, error: String(error) });
      }
    };
  }

  #placesOf({ isClosed }: Connection): Places {
    return isClosed ? this.lingering : this.open;
  }

  /**
   * Puts connections and subscriptions back together after the object was away (R-06-12). A socket without a readable
   * attachment starts anew, unauthenticated (R-06-13); one that was closed stays so; rows without a connection are purged
   * (R-06-19).
   */
  restore(subscriptions: Subscriptions): void {
    const byId = new Map<string, Connection>();
    const unwritten: [Connection, string, unknown[] | null][] = [];
    for (const socket of this.#state.getWebSockets()) {
      const known = parseAttachment(socket.deserializeAttachment());
      const attachment = known ?? newAttachment(this.#clock.nowSeconds());
      const [address] = this.#state.getTags(socket);
      const origin = address === undefined ? undefined : originOf(address);
      const connection = this.#connect(socket, attachment, origin);
      connection.isClosed = socket.readyState !== WebSocket.OPEN;
      this.#add(socket, connection);
      if (connection.isClosed) continue;
      byId.set(connection.id, connection);
      for (const [id, source] of known?.unwritten ?? []) unwritten.push([connection, id, source]);
      if (known === undefined) {
        connection.save();
        connection.send(["AUTH", connection.challenge]);
      }
    }
    const orphans = this.#restoreRows(subscriptions, byId);
    if (orphans.length > 0) subscriptionRows(this.#state.storage).delete(orphans);
    for (const [connection, id, source] of unwritten) {
      if (source === null && connection.subscriptions.has(id)) continue;
      const filters = source === null ? undefined : parseAll(source, this.#config);
      if (filters === undefined || source === null) {
        connection.send(["CLOSED", id, "error: subscription lost, send it again"]);
      } else subscriptions.restore(connection, id, filters, source, false);
    }
  }

  #restoreRows(subscriptions: Subscriptions, byId: Map<string, Connection>): string[] {
    const orphans: string[] = [];
    for (const [key, source] of this.#state.storage.kv.list({ prefix: ROW_PREFIX })) {
      const [, connectionId = "", ...rest] = key.split(":");
      const connection = byId.get(connectionId);
      const filters = parseAll(source, this.#config);
      if (connection !== undefined && filters !== undefined) {
        subscriptions.restore(connection, rest.join(":"), filters, source as unknown[], true);
        continue;
      }
      orphans.push(key);
      if (connection !== undefined) {
        this.#report("unreadable subscription row", { key });
        connection.send(["CLOSED", rest.join(":"), "error: subscription lost, send it again"]);
      }
    }
    return orphans;
  }
}

/** Rows of R-06-18 in the object's key-value storage. */
export function subscriptionRows(storage: DurableObjectStorage): SubscriptionRows {
  return {
    put(entries) {
      storage.transactionSync(() => {
        for (const [key, source] of entries) storage.kv.put(key, source);
      });
    },
    delete(keys) {
      storage.transactionSync(() => {
        for (const key of keys) storage.kv.delete(key);
      });
    },
  };
}

function parseAll(source: unknown, config: Config): Filter[] | undefined {
  if (!Array.isArray(source)) return undefined;
  const filters: Filter[] = [];
  for (const value of source) {
    const filter = parseFilter(value, filterOptions(config));
    if (!filter.ok) return undefined;
    filters.push(filter.value);
  }
  return filters;
}

function socketOf(state: DurableObjectState, socket: WebSocket): Socket {
  return {
    send: (text) => socket.send(text),
    close: (code, reason) => socket.close(code, reason),
    pingedMs: () => state.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0,
    attach: (attachment) => socket.serializeAttachment(attachment),
  };
}
