import { createHash } from "node:crypto";
import type { Socket as NetSocket } from "node:net";
import { COST } from "../../protocol/work.ts";
import type { Config } from "../../relay/config/config.ts";
import type { Connection, Origin } from "../../relay/connection.ts";
import { OriginCounts } from "../../relay/origin-counts.ts";
import type { Relay } from "../../relay/relay.ts";
import type { Counted } from "../http/door.ts";
import { ClientSocket, type Shared } from "./client-socket.ts";
import { guarded } from "./host.ts";
import { Intake, IntakeTurns } from "./intake.ts";
import type { Outbox } from "./outbox.ts";

/** RFC 6455, 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** How nostr-tools names its subscriptions: there is no other sign of it. */
const OF_NOSTR_TOOLS = /^[^:]+:\d+$/;

export interface SocketsDeps {
  relay: Pick<Relay, "connections" | "open" | "receive" | "receiveBinary" | "charge" | "leave">;
  outbox: Outbox;
  /** Bytes of one message at most, on a connection that is accepted now. */
  maxFrameLength: () => number;
  config: Pick<Config, "authRequired">;
  /** A connection has been opened. */
  opened: (connection: Connection) => void;
}

/** The WebSockets of the relay, and the connections behind them. */
export class Sockets {
  readonly #deps: SocketsDeps;
  readonly #shared: Shared;
  readonly #turns = new IntakeTurns();
  readonly #all = new Map<ClientSocket, Connection>();
  /** Of all that are not gone. */
  readonly #counts = new OriginCounts();

  constructor(deps: SocketsDeps) {
    this.#deps = deps;
    this.#shared = { outbox: deps.outbox, unsent: 0 };
  }

  /** Takes over the network socket of an upgrade request, which has come with `key`; `head` was read behind the request. */
  accept(net: NetSocket, key: string, head: Buffer, origin: Origin | undefined): void {
    const accepted = createHash("sha1")
      .update(key + GUID)
      .digest("base64");
    net.setTimeout(0);
    net.setNoDelay(true);
    net.on("error", () => net.destroy());
    net.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accepted}\r\n\r\n`,
    );
    const socket = new ClientSocket(net, this.#shared);
    const { relay, config, maxFrameLength, opened } = this.#deps;
    const connection = relay.open(socket, origin);
    this.#all.set(socket, connection);
    this.#counts.add(origin);
    socket.isStranger = () => config.authRequired && !connection.isAuthenticated;
    const leave = () => guarded("leaving failed", () => relay.leave(connection));
    const intake = new Intake(net, this.#turns, maxFrameLength(), {
      text: (text) => guarded("handler failed", () => this.#receive(socket, connection, text)),
      binary: (bytes) => guarded("handler failed", () => relay.receiveBinary(connection, bytes)),
      ping: (data) => {
        relay.charge(connection, COST.frame + COST.send);
        socket.pong(data);
      },
      concluded: (code) => {
        leave();
        socket.end(code);
      },
      violated: (code, reason) => {
        leave();
        socket.end(code, reason);
      },
    });
    socket.intake = intake;
    net.on("end", () => {
      leave();
      socket.finish();
    });
    net.on("close", () => {
      this.#all.delete(socket);
      this.#counts.remove(origin);
      leave();
    });
    opened(connection);
    intake.start(head);
  }

  /**
   * The relay stops: ends all connections behind what is queued for them, so that their clients come back by themselves. Most
   * libraries do so however it ends, applesauce only if there was no Close, nostr-tools only if there was one.
   */
  hangUp(): void {
    for (const [socket, connection] of this.#all) {
      if ([...connection.subscriptions.keys()].some((id) => OF_NOSTR_TOOLS.test(id)))
        socket.end(1001, "the relay stops");
      else socket.finish();
    }
  }

  /** Ends all connections now, with a Close and nothing that is queued: what was not synced must not be shown. */
  abort(code: number, reason: string): void {
    for (const socket of this.#all.keys()) socket.abort(code, reason);
  }

  /** Whether all that is queued has been given to the network, as far as it takes more. */
  get hasWritten(): boolean {
    return this.#shared.outbox.isEmpty;
  }

  /** Bytes that wait for the network. */
  get unsent(): number {
    return this.#shared.unsent;
  }

  /** Those that are not gone. */
  get size(): number {
    return this.#all.size;
  }

  /** Those of which the connection has ended, by either side, and whose client stays. */
  get closing(): Counted {
    const { connections } = this.#deps.relay;
    return {
      size: this.size - connections.size,
      countFrom: (from) => this.#counts.countFrom(from) - connections.countFrom(from),
    };
  }

  #receive(socket: ClientSocket, connection: Connection, text: string): void {
    const { relay } = this.#deps;
    // R-01-04. It costs what any frame does, so that nobody is served less for it.
    if (text !== "ping") return relay.receive(connection, text);
    relay.charge(connection, COST.frame + COST.send);
    socket.send("pong");
  }
}
