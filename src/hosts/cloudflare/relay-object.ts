import { DurableObject } from "cloudflare:workers";
import type { Event } from "../../protocol/event.ts";
import { REPORT_KIND } from "../../protocol/kind.ts";
import type { Access } from "../../relay/access/access.ts";
import { type Config, filterOptions, parseConfig } from "../../relay/config/config.ts";
import { type Connection, originOf } from "../../relay/connection.ts";
import { Management } from "../../relay/manage/management.ts";
import { noteReport, type StoredOf } from "../../relay/manage/reports.ts";
import type { Clock, EventLog } from "../../relay/ports.ts";
import { Subscriptions } from "../../relay/read/subscriptions.ts";
import { failureFrames } from "../../relay/refusals.ts";
import { Relay } from "../../relay/relay.ts";
import { AccessStore } from "../../store/access-store.ts";
import { Cleanup } from "../../store/erase/cleanup.ts";
import { EventStore } from "../../store/event-store.ts";
import { migrate, NewerSchemaError } from "../../store/schema.ts";
import { manage } from "../http/management.ts";
import { plain, relayPage } from "../http/pages.ts";
import { statistics } from "../http/statistics.ts";
import { dueOf, erasingOf, storeJobs } from "../jobs.ts";
import { localLog } from "../local-log.ts";
import { Alarms } from "./alarms.ts";
import { clientAddress } from "./client-address.ts";
import { Collector } from "./collector.ts";
import { secp256k1 } from "./crypto.ts";
import { turnAway } from "./door.ts";
import { durableSql } from "./durable-sql.ts";
import { LoginTimeout } from "./login-timeout.ts";
import { ObjectClock } from "./object-clock.ts";
import { report } from "./observe.ts";
import { Sockets, subscriptionRows } from "./sockets.ts";

export interface Env {
  RELAY: DurableObjectNamespace;
  [variable: string]: unknown;
}

/** What `/health` says then; the relay still answers, so the status stays 200. */
const STORAGE_FULL = "ok, but the storage is full: new events are refused until some are deleted";

/** Wait after an alarm that could not be served, in milliseconds. */
const ALARM_RETRY_MS = 60_000;

/** Everything of one running relay, put together on its first use after a start. */
export interface Running {
  config: Config;
  access: Access;
  clock: Clock;
  relay: Relay;
  management: Management;
  sockets: Sockets;
  subscriptions: Subscriptions;
  store: EventStore;
  log: EventLog;
  /** Bytes of the database. */
  storageBytes: () => number;
  alarms: Alarms;
  login: LoginTimeout;
}

/** The Durable Object: platform handlers and wiring, no logic. */
export class RelayObject extends DurableObject<Env> {
  /** Unix time in whole seconds, as the object of that id has it. Tests set the time of theirs. */
  static nowSeconds: (objectId: string) => number = () => Math.floor(Date.now() / 1000);

  readonly #startedAt = Date.now();
  readonly #clock: ObjectClock;
  readonly #collector: Collector;
  #running: Running | undefined;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    const objectId = state.id.toString();
    this.#clock = new ObjectClock(state, report, () => RelayObject.nowSeconds(objectId));
    this.#collector = new Collector(this.#clock);
    // Answered by the runtime without waking the object (R-06-08).
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  override async fetch(request: Request): Promise<Response> {
    let running: Running;
    try {
      running = this.#run();
      running.store.check();
    } catch (error) {
      report("cannot serve", { error: String(error) });
      const isForPeople = error instanceof NewerSchemaError;
      return plain(503, isForPeople ? error.message : "The relay cannot read its store. Its log says why.");
    }
    switch (new URL(request.url).pathname) {
      case "/health":
        return new Response(running.log.isFull() ? STORAGE_FULL : "ok", { headers: { "Content-Type": "text/plain" } });
      case "/api/stats":
        return Response.json(statistics(running, this.#startedAt));
      default:
        if (request.headers.get("Upgrade")?.toLowerCase() === "websocket") return accept(request, running);
        if (request.method !== "POST") return relayPage(request, running.access, secp256k1);
        return manage(request, { ...running, crypto: secp256k1, settle: () => running.relay.settle(), report });
    }
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const isText = typeof message === "string";
    await this.#guard(
      socket,
      () => (isText ? failureFrames(message) : []),
      async ({ relay, sockets }) => {
        const connection = sockets.get(socket);
        if (connection === undefined) return socket.close(1011, "unknown connection");
        connection.hasSpoken = true;
        if (isText) await relay.receive(connection, message);
        else relay.receiveBinary(connection, message.byteLength);
      },
    );
  }

  /** The runtime leaves the closing handshake to the object; without it the client sees 1006 (R-01-08). */
  override async webSocketClose(socket: WebSocket, code: number, reason: string): Promise<void> {
    await this.#guard(socket, NO_FRAMES, (running) => {
      const connection = forget(socket, running);
      socket.close(NOT_SENDABLE.has(code) ? 1000 : code, reason);
      if (connection?.isClosed && !connection.hasSpoken) this.#collector.soon();
    });
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.#guard(socket, NO_FRAMES, (running) => void forget(socket, running));
  }

  /** Never throws: the platform would give up after some tries. A job that failed is tried again later. */
  override async alarm(): Promise<void> {
    try {
      await this.#run().alarms.rang();
    } catch (error) {
      report("alarm failed", { error: String(error) });
      await this.ctx.storage.setAlarm(Date.now() + ALARM_RETRY_MS);
    }
  }

  /** Nothing thrown inside a handler ends a connection (R-06-14, R-06-16); the client is told with frames. */
  async #guard(
    socket: WebSocket,
    framesOfFailure: () => readonly string[],
    body: (running: Running) => void | Promise<void>,
  ): Promise<void> {
    try {
      await body(this.#run());
    } catch (error) {
      report("handler failed", { error: String(error) });
      try {
        for (const frame of framesOfFailure()) socket.send(frame);
      } catch {
        // The socket is dead.
      }
    }
  }

  #run(): Running {
    if (this.#running !== undefined) return this.#running;
    const config = parseConfig(this.env);
    const clock = this.#clock;
    const sql = durableSql(this.ctx.storage);
    migrate(sql);
    const store = new EventStore(sql, { search: filterOptions(config).search });
    const subscriptions = new Subscriptions(subscriptionRows(this.ctx.storage), clock);
    const sockets = new Sockets(this.ctx, config, clock, report, (connection) => {
      relay.drop(connection);
      subscriptions.drop(connection);
    });
    const lists = new AccessStore(sql);
    const access: Access = { config, lists };
    const cleanup = new Cleanup(sql, store);
    const login = new LoginTimeout(config, clock, () => sockets.all());
    const jobs = [...storeJobs(store, cleanup, lists, config.retention, clock), login];
    const alarms = new Alarms(this.ctx, jobs, clock, report);
    const eraseSoon = () => alarms.ring(clock.nowSeconds());
    // Moderators learn no more than anybody of what is private (R-05-29).
    const storedOf = (ids: readonly string[]) => store.storedOf(ids, config.privateKinds);
    const log = localLog(sql, store, config, clock, erasingOf(lists), {
      stored(event) {
        alarms.ring(dueOf(event, config.retention));
        if (event.kind === REPORT_KIND) queueReport(event, lists, storedOf);
      },
      vanishing: eraseSoon,
    });
    const connections = () => sockets.all();
    const deps = { config, access, changeLog: lists, log, clock, subscriptions, report };
    const relay = new Relay({ ...deps, crypto: secp256k1, connections });
    sockets.restore(subscriptions);
    const closeBlocked = () => sockets.closeBlocked((address) => lists.has("blocked-ip", address));
    closeBlocked();
    const enforce = () => {
      for (const connection of sockets.all()) relay.enforce(connection);
    };
    enforce();
    relay.membership?.announcements.start();
    alarms.start();
    const management = new Management({
      access,
      changeLog: lists,
      clock,
      storedOf,
      authorOf: (id) => store.find(id)?.pubkey,
      removeEvent: (id) => cleanup.removeEvent(id),
      closeBlocked,
      eraseSoon,
      enforce,
      statistics: () => statistics(running, this.#startedAt, true),
      membership: relay.membership?.members,
    });
    const parts = { config, access, clock, relay, management, sockets, subscriptions, store, log, alarms, login };
    const running: Running = { ...parts, storageBytes: sql.size };
    this.#running = running;
    return running;
  }
}

/** The report is stored already: what goes wrong here must not reach whoever sent it. */
function queueReport(event: Event, lists: AccessStore, storedOf: StoredOf): void {
  try {
    noteReport(event, lists, storedOf);
  } catch (error) {
    report("report not queued", { error: String(error) });
  }
}

/** Lets a client in, or says why not. */
function accept(request: Request, { config, access, sockets, alarms, login }: Running): Response {
  const address = clientAddress(request);
  const origin = address === undefined ? undefined : originOf(address);
  const refusal = turnAway(origin, config, access.lists, sockets);
  if (refusal !== undefined) return refusal;
  login.watch((seconds) => alarms.ring(seconds));
  return sockets.accept(origin);
}

/** Close codes that stand for a close without one. */
const NOT_SENDABLE: ReadonlySet<number> = new Set([1005, 1006, 1015]);

const NO_FRAMES = (): readonly string[] => [];

/** The connection is gone, whatever the cause. Returns it, if there was one. */
function forget(socket: WebSocket, { sockets, subscriptions, relay }: Running): Connection | undefined {
  const connection = sockets.remove(socket);
  if (connection === undefined) return undefined;
  relay.leave(connection);
  subscriptions.drop(connection);
  return connection;
}
