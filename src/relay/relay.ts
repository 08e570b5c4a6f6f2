import { parseClientMessage } from "../protocol/message.ts";
import { AUTH_REQUIRED } from "../protocol/reason.ts";
import { COST, STEP } from "../protocol/work.ts";
import type { Steps } from "../store/steps.ts";
import { hasMembership, refuseReader } from "./access/access.ts";
import { Grace } from "./access/grace.ts";
import { Connection, newIdentity, type Origin } from "./connection.ts";
import { Connections } from "./connections.ts";
import { Errand, type Outcome } from "./errand.ts";
import { Overload } from "./limits/overload.ts";
import { Throttle } from "./limits/throttle.ts";
import { Membership } from "./members/membership.ts";
import { Metrics } from "./metrics.ts";
import type { ChangeLog, Socket } from "./ports.ts";
import { Importer } from "./publish/importer.ts";
import { type PublishDeps, Publisher } from "./publish/publish.ts";
import { refuseFilters } from "./read/request.ts";
import { Subscriptions } from "./read/subscriptions.ts";
import { Syncs, UNAVAILABLE } from "./read/sync.ts";
import { refusalOf } from "./refusals.ts";
import { Scheduler } from "./scheduler.ts";
import { Verbs } from "./verbs.ts";

export interface RelayDeps extends Omit<PublishDeps, "subscriptions" | "close" | "metrics"> {
  changeLog: ChangeLog;
}

/** One relay: takes the frames of its connections and answers them, in one thread and never waiting. */
export class Relay {
  readonly connections = new Connections();
  readonly metrics = new Metrics();
  readonly subscriptions: Subscriptions;
  /** There is one if the relay has a key. */
  readonly #membership: Membership | undefined;
  readonly #deps: RelayDeps;
  readonly #publisher: Publisher;
  /** Takes in what operators restore. */
  readonly importer: Importer;
  readonly #syncs: Syncs;
  readonly #throttle: Throttle;
  readonly #grace: Grace;
  readonly #overload = new Overload();
  readonly #scheduler: Scheduler<Connection | Errand<unknown>>;
  readonly #verbs: Verbs;

  constructor(deps: RelayDeps) {
    const { config, host, meter } = deps;
    const { clock } = host;
    this.#deps = deps;
    this.subscriptions = new Subscriptions(host.survival);
    this.#publisher = new Publisher({
      ...deps,
      metrics: this.metrics,
      subscriptions: this.subscriptions,
      close: (connection) => this.#cutOff(connection),
    });
    this.importer = new Importer(deps);
    this.#syncs = new Syncs(deps);
    this.#throttle = new Throttle(config, clock);
    this.#grace = new Grace(config, clock, (connection, text) => {
      const message = parseClientMessage(text);
      if (!message.ok) return;
      this.metrics.frames[message.value.verb]++;
      this.metrics.refuse(message.value, AUTH_REQUIRED);
      connection.send(refusalOf(message.value, AUTH_REQUIRED));
    });
    const { secretKey } = config;
    if (secretKey !== undefined) {
      this.#membership = new Membership({
        ...deps,
        metrics: this.metrics,
        secretKey,
        issue: (events) => this.#publisher.issue(events),
        enforce: (pubkey) => this.#enforceAll(pubkey),
      });
    }
    const membershipNow = () => this.membership;
    this.#verbs = new Verbs({
      ...deps,
      get membership() {
        return membershipNow();
      },
      metrics: this.metrics,
      publisher: this.#publisher,
      subscriptions: this.subscriptions,
      syncs: this.#syncs,
      throttle: this.#throttle,
      overload: this.#overload,
      grace: this.#grace,
      close: (connection, code, text) => this.close(connection, code, text),
      // What it may not have with its new key ends.
      identified: (connection) => {
        this.membership?.noteSeen(connection.authed);
        this.enforce(connection);
      },
    });
    this.#scheduler = new Scheduler(meter, clock, () => host.wake());
  }

  /** Where members are kept (NIP-43), if that is in use. */
  get membership(): Membership | undefined {
    return hasMembership(this.#deps.access) ? this.#membership : undefined;
  }

  /** To be called after the start, and when membership has been switched. */
  settleMembership(): void {
    if (this.membership !== undefined) return this.membership.announcements.start();
    // Anybody may sign of members now; it is removed when the relay does so again (R-05-63).
    const { lists } = this.#deps.access;
    lists.remove("signing", "self");
    lists.remove("signing", "foreign");
  }

  /** Somebody wants to connect: milliseconds to wait for it, 0 if it may be now. */
  checkConnection(origin: Origin | undefined): number {
    return this.#throttle.checkConnection(origin);
  }

  /** A client has connected. Where all have to log in, the challenge is the first frame that it is sent (R-01-02). */
  open(socket: Socket, origin: Origin | undefined): Connection {
    const { config, host } = this.#deps;
    const identity = newIdentity(host.clock.nowSeconds(), host.randomHex);
    const connection = new Connection(socket, identity, config.privateKinds, origin);
    this.connections.add(connection);
    this.metrics.opened++;
    this.#grace.begin(connection);
    if (config.authRequired) connection.challengeClient();
    return connection;
  }

  /** Takes over a connection that was open before the host lost its memory. */
  restore(connection: Connection): void {
    connection.isChallenged = this.#deps.config.authRequired;
    this.connections.add(connection);
  }

  /** A text frame has arrived: it waits in the inbox for {@link run}. CLOSE and NEG-CLOSE do not wait. */
  receive(connection: Connection, text: string): void {
    this.charge(connection, COST.frame);
    if (this.#isCutOff(connection)) return;
    const { inbox } = connection;
    const isWaiting = inbox.count > 0 || connection.task !== undefined;
    if (isWaiting && this.#verbs.closeAhead(connection, text)) return;
    if (!this.#overload.push(connection, text)) return this.#verbs.refuseOverrun(connection, text);
    if (inbox.isEnough && !connection.isPaused) connection.isPaused = connection.socket.pause();
    this.#scheduler.ready(connection);
  }

  /** A binary frame of so many bytes is no message (M-14). */
  receiveBinary(connection: Connection, bytes: number): void {
    this.charge(connection, COST.frame);
    if (!this.#isCutOff(connection)) this.#verbs.refuseBinary(connection, bytes);
  }

  /** Counts work that the host has done for a connection, in units. */
  charge(connection: Connection, units: number): void {
    this.#scheduler.charge(connection, units);
  }

  /** The client has gone. What it has sent is still published, unless the relay had closed the connection. */
  leave(connection: Connection): void {
    if (connection.isGone) return;
    connection.isGone = true;
    this.#release(connection);
    this.#scheduler.ready(connection);
  }

  /** Ends a connection, after a NOTICE: nothing more of it is served (R-01-07, R-01-08). */
  close(connection: Connection, code: number, text: string): void {
    if (connection.isClosed || connection.isGone) return;
    connection.send(["NOTICE", text]);
    connection.isClosed = true;
    this.metrics.ended++;
    const from = connection.origin?.network;
    this.#deps.host.report("connection ended", { connection: connection.id, from, reason: text }, "warn");
    this.#overload.clear(connection);
    this.#release(connection);
    connection.socket.close(code, text.slice(0, 100));
  }

  /**
   * Serves what has arrived, for a slice of work of some two milliseconds. Returns whether there is more to do: then it is to be
   * called again, after the host has looked for what has arrived meanwhile.
   */
  run(): boolean {
    const { meter } = this.#deps;
    for (const end = meter.spent + STEP; meter.spent < end; ) {
      const served = this.#scheduler.next();
      if (served === undefined) break;
      if (served instanceof Errand) served.step();
      else this.#verbs.step(served);
      this.#scheduler.served(served);
    }
    this.#publisher.gather(this.#scheduler.isBusy);
    return this.#scheduler.isBusy;
  }

  /** Does what an operator has asked for, step by step between the frames of connections, and then calls `done`. */
  perform<T>(steps: Steps<T>, done: (outcome: Outcome<T>) => void): void {
    this.#scheduler.ready(new Errand(steps, done) as Errand<unknown>);
  }

  /** How much waits: connections that are to be served, characters of their frames, and events for the next commit. */
  get waiting(): { connections: number; characters: number; events: number } {
    const { size: connections } = this.#scheduler;
    return { connections, characters: this.#overload.size, events: this.#publisher.waiting };
  }

  /** Commits what waits, so that a change of access counts for exactly what comes after it. */
  commitAll(): void {
    this.#publisher.commit();
    this.membership?.announcements.publishIfReady();
  }

  /** Who may read has changed: what the connection may not have any longer ends at once. */
  enforce(connection: Connection): void {
    const { access, config } = this.#deps;
    const isStranger = config.authRequired && !connection.isAuthenticated;
    const reason = isStranger ? AUTH_REQUIRED : refuseReader(access, connection.authed);
    if (reason === undefined) return;
    for (const subscription of [...connection.subscriptions.values()]) this.subscriptions.end(subscription, reason);
    this.#syncs.end(connection, reason);
  }

  /**
   * The settings have changed. What a subscription asks for and is switched off ends it, and a connection that has to log in from
   * now on is asked to, and has the whole `AUTH_TIMEOUT` for it.
   */
  reconsider(isGateNew: boolean): void {
    const { config, host } = this.#deps;
    for (const connection of [...this.connections]) {
      this.enforce(connection);
      for (const subscription of [...connection.subscriptions.values()]) {
        const reason = refuseFilters(subscription.filters, config);
        if (reason !== undefined) this.subscriptions.end(subscription, reason);
      }
      if (!config.negentropyEnabled) this.#syncs.end(connection, UNAVAILABLE);
      if (!isGateNew || connection.isAuthenticated) continue;
      connection.openedSeconds = host.clock.nowSeconds();
      this.#grace.begin(connection);
      if (!connection.isChallenged) connection.challengeClient();
      host.survival.keep(connection);
    }
  }

  #enforceAll(pubkey: string): void {
    for (const connection of this.connections) if (connection.authed.has(pubkey)) this.enforce(connection);
  }

  /** Frees what is kept for a connection; the events of its inbox stay. */
  #release(connection: Connection): void {
    this.membership?.noteSeen(connection.authed);
    connection.endTask();
    this.#grace.take(connection);
    this.connections.remove(connection);
    this.#scheduler.drop(connection);
    this.#syncs.drop(connection);
    this.#throttle.drop(connection);
    this.subscriptions.drop(connection);
  }

  /** Whether nothing is served any more. A client that asks for more than it reads is not answered for ever (R-01-10). */
  #isCutOff(connection: Connection): boolean {
    if (connection.isClosed || connection.isGone) return true;
    connection.socket.heard();
    if (connection.isExcessive(this.#deps.config.authRequired)) this.#cutOff(connection);
    return connection.isClosed;
  }

  #cutOff(connection: Connection): void {
    const isStranger = this.#deps.config.authRequired && !connection.isAuthenticated;
    this.close(connection, 1008, isStranger ? TOO_MANY : TOO_SLOW);
  }
}

const TOO_SLOW = "error: too slow to receive what was asked for";
const TOO_MANY = "auth-required: too many messages without a login";
