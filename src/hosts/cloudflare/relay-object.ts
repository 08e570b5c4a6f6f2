import { DurableObject } from "cloudflare:workers";
import { createCrypto } from "../../protocol/crypto/secp256k1.ts";
import wasm from "../../protocol/crypto/secp256k1.wasm";
import { warningOf } from "../../relay/access/describe.ts";
import { settingsOf, VARIABLES } from "../../relay/config/config.ts";
import { Settings } from "../../relay/config/settings.ts";
import { originOf } from "../../relay/connection.ts";
import { failureFrames } from "../../relay/refusals.ts";
import { NewerSchemaError } from "../../store/schema.ts";
import { assemble, type Running } from "../assemble.ts";
import { answer } from "../http/answer.ts";
import { proxyWarning, turnAway } from "../http/door.ts";
import { plain } from "../http/pages.ts";
import { VERSION } from "../version.ts";
import { warnOnce } from "../warn.ts";
import { Alarms } from "./alarms.ts";
import { bookmarkActions } from "./bookmarks.ts";
import { Breaths } from "./breath.ts";
import { clientIp } from "./client-ip.ts";
import { Collector } from "./collector.ts";
import { durableSql } from "./durable-sql.ts";
import { Hibernation } from "./hibernation.ts";
import { ObjectClock } from "./object-clock.ts";
import { logbook, report } from "./observe.ts";
import { withOwnKey } from "./own-key.ts";
import { OwnUrls } from "./own-urls.ts";
import { restore } from "./restore.ts";
import { type Peer, Sockets } from "./sockets/sockets.ts";
import { Turns } from "./turns.ts";

export interface Env {
  RELAY: DurableObjectNamespace;
  [variable: string]: unknown;
}

/** One for all objects of the isolate: it holds no state between calls. */
export const secp256k1 = createCrypto(wasm);

/** Wait after an alarm that could not be served, in milliseconds. */
const ALARM_RETRY_MS = 60_000;

/** Bytes of a message beyond which the runtime closes with 1009 (measured on workerd). */
const MAX_FRAME_LENGTH = 32 << 20;

/** How long an event waits for others to share its commit, in milliseconds: the runtime hands over one message a turn. */
const GATHER_MS = 1;

/** The relay of this object, and what is around it here. */
interface Assembled extends Running {
  readonly sockets: Sockets;
  readonly hibernation: Hibernation;
  readonly alarms: Alarms;
  readonly turns: Turns;
  readonly breaths: Breaths;
  /** Units of work so far. */
  readonly spent: () => number;
}

/** The Durable Object: platform handlers and wiring, no logic. */
export class RelayObject extends DurableObject<Env> {
  /** Unix time in whole seconds, as the object of that id has it. Tests set the time of theirs. */
  static nowSeconds: (objectId: string) => number = () => Math.floor(Date.now() / 1000);

  readonly #awakeSince = Math.floor(Date.now() / 1000);
  readonly #clock: ObjectClock;
  readonly #collector: Collector;
  readonly #ownUrls: OwnUrls;
  #assembled: Assembled | undefined;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    const objectId = state.id.toString();
    this.#clock = new ObjectClock(state, report, () => RelayObject.nowSeconds(objectId));
    this.#collector = new Collector(this.#clock);
    this.#ownUrls = new OwnUrls(state.storage.kv, () => this.env.RELAY_URL);
    // Answered by the runtime without waking the object (R-06-08).
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  override async fetch(request: Request): Promise<Response> {
    let running: Assembled;
    try {
      running = this.#start();
      this.#ownUrls.heardOf(request.url, running.config);
      running.store.lookups.check();
    } catch (error) {
      report("cannot serve", { error: String(error) });
      const isForPeople = error instanceof NewerSchemaError;
      return plain(503, isForPeople ? error.message : "The relay cannot read its store. Its log says why.");
    }
    if (request.headers.get("Upgrade")?.toLowerCase() === "websocket") return accept(request, running);
    return answer(request, running);
  }

  override webSocketMessage(webSocket: WebSocket, message: string | ArrayBuffer): void {
    const isText = typeof message === "string";
    const framesOfFailure = () => (isText ? failureFrames(message) : []);
    this.#guard(webSocket, framesOfFailure, ({ relay, sockets, turns, breaths, spent }) => {
      const peer = sockets.get(webSocket);
      if (peer === undefined) return webSocket.close(1011, "unknown connection");
      const { socket, connection } = peer;
      socket.hasSpoken = true;
      const before = spent();
      if (connection !== undefined && !socket.isClosed) {
        turns.do(() => {
          if (isText) relay.receive(connection, message);
          else relay.receiveBinary(connection, message.byteLength);
        });
      }
      breaths.count(spent() - before);
    });
  }

  /** The runtime leaves the closing handshake to the object; without it the client sees 1006 (R-01-08). */
  override webSocketClose(webSocket: WebSocket, code: number, reason: string): void {
    this.#guard(webSocket, NO_FRAMES, (running) => {
      const peer = forget(webSocket, running);
      webSocket.close(answerTo(code), new TextEncoder().encode(reason).length > MAX_REASON ? "" : reason);
      if (peer?.socket.isClosed && !peer.socket.hasSpoken) this.#collector.soon();
    });
  }

  override webSocketError(webSocket: WebSocket): void {
    this.#guard(webSocket, NO_FRAMES, (running) => void forget(webSocket, running));
  }

  /** Never throws: the platform would give up after some tries. Work that failed is tried again later. */
  override async alarm(): Promise<void> {
    try {
      await this.#start().alarms.rang();
    } catch (error) {
      report("alarm failed", { error: String(error) });
      await this.ctx.storage.setAlarm(Date.now() + ALARM_RETRY_MS);
    }
  }

  /** Nothing thrown inside a handler ends a connection (R-06-14, R-06-16); the client is told with frames. */
  #guard(webSocket: WebSocket, framesOfFailure: () => readonly string[], body: (running: Assembled) => void): void {
    try {
      body(this.#start());
    } catch (error) {
      report("handler failed", { error: String(error) });
      try {
        for (const frame of framesOfFailure()) webSocket.send(frame);
      } catch {
        // The socket is dead.
      }
    }
  }

  /** Puts the relay together on its first use after the object was away. */
  #start(): Assembled {
    if (this.#assembled !== undefined) return this.#assembled;
    const env = withOwnKey(this.env, this.ctx.storage, randomHex);
    const settings = new Settings(env);
    const { config } = settings;
    logbook.settings = config;
    logbook.format = config.logFormat ?? "json";
    this.#ownUrls.addTo(config);
    const sql = durableSql(this.ctx.storage, () => hibernation.rowBytes);
    const sockets = new Sockets(this.ctx);
    const turns: Turns = new Turns(this.#clock, () => running.relay.run(), report);
    const clock = turns.clock(this.#clock);
    const hibernation: Hibernation = new Hibernation(this.ctx.storage, clock, sockets, sql.meter, report);
    const host = {
      clock,
      survival: hibernation,
      report,
      randomHex,
      wake: () => turns.wake(),
      isSyncing: false,
      gatherMs: GATHER_MS,
    };
    // The object sleeps and wakes: how long the relay has been running nobody knows.
    const age = () => ({ awake_since: this.#awakeSince });
    const maxFrameLength = () => MAX_FRAME_LENGTH;
    const errors = () => logbook.errors;
    const actions = bookmarkActions(this.ctx);
    const running = assemble({ settings, sql, crypto: secp256k1, host, age, maxFrameLength, errors, actions });
    const alarms = new Alarms(this.ctx, running.chores, clock, sql.meter);
    running.chores.onDue = (seconds) => alarms.ring(seconds);
    turns.do(() => {
      restore({ state: this.ctx, config, sockets, hibernation, relay: running.relay, report });
      running.start();
    });
    const warning = warningOf(running.access);
    // Not again each time that it wakes.
    if (warning !== undefined && this.ctx.getWebSockets().length === 0) warnOnce(warning);
    const breaths = new Breaths(this.#clock);
    const around = { sockets, hibernation, alarms, turns, breaths, spent: () => sql.meter.spent };
    this.#assembled = { ...running, ...around };
    report("started", { version: VERSION, ...settingsOf(VARIABLES, env) }, "info");
    return this.#assembled;
  }
}

/** Lets a client in, or says why not. */
function accept(request: Request, running: Assembled): Response {
  const { config, relay, sockets, hibernation, turns } = running;
  const ip = clientIp(request);
  const origin = ip === undefined ? undefined : originOf(ip);
  const warning = proxyWarning(origin?.isLoopback ?? false, request.headers, config);
  if (warning !== undefined) warnOnce(warning);
  const refusal = turnAway(origin, running, sockets.lingering);
  if (refusal !== undefined) return refusal;
  return turns.do(() => {
    const [client, peer] = sockets.accept(origin);
    const connection = sockets.connect(peer, (socket) => relay.open(socket, origin));
    hibernation.keep(connection);
    running.opened(connection);
    return new Response(null, { status: 101, webSocket: client });
  });
}

function randomHex(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes of a reason at most; what was no UTF-8 has become longer. */
const MAX_REASON = 123;

/**
 * The code that answers a Close: the client's own (R-01-08). 1005 and 1006 stand for one without a code. With a code that may
 * not be sent the runtime would leave the socket open.
 */
function answerTo(code: number): number {
  if (code === 1005 || code === 1006) return 1000;
  const isSendable = (code >= 1000 && code <= 1014 && code !== 1004) || (code >= 3000 && code <= 4999);
  return isSendable ? code : 1002;
}

const NO_FRAMES = (): readonly string[] => [];

/** The connection is gone, whatever the cause. Returns what there was. */
function forget(webSocket: WebSocket, { sockets, relay, turns }: Assembled): Peer | undefined {
  const peer = sockets.remove(webSocket);
  const connection = peer?.connection;
  if (connection !== undefined) turns.do(() => relay.leave(connection));
  return peer;
}
