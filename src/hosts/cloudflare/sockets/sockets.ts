import type { Connection, Origin } from "../../../relay/connection.ts";
import { OriginCounts } from "../../../relay/origin-counts.ts";
import type { Attachment } from "../attachment.ts";
import type { Attachable } from "../hibernation.ts";
import { ClientSocket } from "./client-socket.ts";

/** A socket of the object: what the relay has of it and, unless it was closed before the object was away, its connection. */
export interface Peer {
  readonly socket: ClientSocket;
  connection: Connection | undefined;
}

/** The hibernating WebSockets of the object, and whose they are. */
export class Sockets implements Attachable {
  readonly #state: DurableObjectState;
  readonly #peers = new Map<WebSocket, Peer>();
  readonly #sockets = new WeakMap<Connection, ClientSocket>();
  /** Those that the relay has closed and whose client has not gone: the runtime cannot make it. */
  readonly lingering = new OriginCounts();

  constructor(state: DurableObjectState) {
    this.#state = state;
  }

  /** Makes a pair of sockets: the client's end, and the relay's as a peer. */
  accept(origin: Origin | undefined): [client: WebSocket, peer: Peer] {
    const { 0: client, 1: server } = new WebSocketPair();
    // The tag brings the address through hibernation.
    this.#state.acceptWebSocket(server, origin === undefined ? [] : [origin.ip]);
    return [client, this.add(server, origin)];
  }

  /** Adds a socket that has been accepted, now or before the object was away; it is lingering if it is closed. */
  add(webSocket: WebSocket, origin: Origin | undefined): Peer {
    const pingedMs = () => this.#state.getWebSocketAutoResponseTimestamp(webSocket)?.getTime() ?? 0;
    const socket = new ClientSocket(webSocket, origin, pingedMs, () => this.lingering.add(origin));
    const peer: Peer = { socket, connection: undefined };
    this.#peers.set(webSocket, peer);
    if (webSocket.readyState !== WebSocket.OPEN) {
      socket.isClosed = true;
      this.lingering.add(origin);
    }
    return peer;
  }

  /** Gives a socket its connection. */
  connect(peer: Peer, open: (socket: ClientSocket) => Connection): Connection {
    const { socket } = peer;
    const connection = open(socket);
    if (connection.authed.size > 0) socket.hasSpoken = true;
    peer.connection = connection;
    this.#sockets.set(connection, socket);
    return connection;
  }

  get(webSocket: WebSocket): Peer | undefined {
    return this.#peers.get(webSocket);
  }

  /** Forgets a socket that has closed; returns what there was. */
  remove(webSocket: WebSocket): Peer | undefined {
    const peer = this.#peers.get(webSocket);
    if (peer === undefined) return undefined;
    this.#peers.delete(webSocket);
    if (peer.connection !== undefined) this.#sockets.delete(peer.connection);
    if (peer.socket.isClosed) this.lingering.remove(peer.socket.origin);
    return peer;
  }

  isServed(connection: Connection): boolean {
    return this.#sockets.get(connection)?.isClosed === false;
  }

  attach(connection: Connection, attachment: Attachment): void {
    this.#sockets.get(connection)?.attach(attachment);
  }
}
