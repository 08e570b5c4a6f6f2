import { type ClientMessage, parseClientMessage } from "../protocol/message.ts";
import { AUTH_REQUIRED, INTERNAL_ERROR, type Reason, refuse } from "../protocol/reason.ts";
import { exceedsBytes } from "../protocol/text.ts";
import { COST, type Meter } from "../protocol/work.ts";
import type { Steps } from "../store/steps.ts";
import { type Access, hasMembership, refuseReader } from "./access/access.ts";
import { authenticate } from "./access/authenticate.ts";
import { Grace } from "./access/grace.ts";
import { Connection, newIdentity, type Origin } from "./connection.ts";
import { Connections } from "./connections.ts";
import { Admission } from "./limits/admission.ts";
import { Overload } from "./limits/overload.ts";
import { isRequest, Membership } from "./members/membership.ts";
import type { ChangeLog, Host, Socket } from "./ports.ts";
import { type PublishDeps, Publisher } from "./publish/publish.ts";
import { count } from "./read/count.ts";
import { request } from "./read/request.ts";
import { Subscriptions } from "./read/subscriptions.ts";
import { Syncs } from "./read/sync.ts";
import { refusalOf } from "./refusals.ts";
import { Scheduler } from "./scheduler.ts";
import { READS, subjectOf } from "./task.ts";

export interface RelayDeps extends Omit<PublishDeps, "subscriptions" | "close"> {
  access: Access;
  changeLog: ChangeLog;
  host: Host;
  meter: Meter;
}

type Parsed = ReturnType<typeof parseClientMessage>;

/** One relay: takes the frames of its connections and answers them, in one thread and never waiting. */
export class Relay {
  readonly connections = new Connections();
  readonly subscriptions: Subscriptions;
  /** Where members are kept (NIP-43). */
  readonly membership: Membership | undefined;
  readonly #deps: RelayDeps;
  readonly #publisher: Publisher;
  readonly #syncs: Syncs;
  readonly #admission: Admission;
  readonly #grace: Grace;
  readonly #overload: Overload;
  readonly #scheduler: Scheduler;

  constructor(deps: RelayDeps) {
    const { config, access, host, meter } = deps;
    this.#deps = deps;
    this.subscriptions = new Subscriptions(host.survival);
    this.#publisher = new Publisher({
      ...deps,
      subscriptions: this.subscriptions,
      close: (connection) => this.#cutOffSlow(connection),
    });
    this.#syncs = new Syncs(deps);
    const { secretKey } = config;
    if (secretKey !== undefined && hasMembership(access)) {
      this.membership = new Membership({
        ...deps,
        secretKey,
        issue: (events) => this.#publisher.issue(events),
        enforce: (pubkey) => this.#enforceAll(pubkey),
      });
    } else {
      // Anybody may sign of members now; it is removed when the relay does so again (R-05-63).
      access.lists.remove("signing", "self");
      access.lists.remove("signing", "foreign");
    }
    this.#admission = new Admission(config, host.clock);
    this.#overload = new Overload();
    this.#scheduler = new Scheduler(
      meter,
      host.clock,
      () => host.wake(),
      (connection) => this.#step(connection),
    );
    this.#grace = new Grace(config.authGraceMs, host.clock, (connection, text) => {
      const message = parseClientMessage(text);
      if (message.ok) connection.send(refusalOf(message.value, AUTH_REQUIRED));
    });
  }

  /** A client has connected. The challenge is the first frame that it is sent (R-01-02). */
  open(socket: Socket, origin: Origin | undefined): Connection {
    const { config, host } = this.#deps;
    const identity = newIdentity(host.clock.nowSeconds(), host.randomHex);
    const connection = new Connection(socket, identity, config.privateKinds, origin);
    this.restore(connection);
    this.#grace.begin(connection);
    connection.send(["AUTH", connection.challenge]);
    return connection;
  }

  /** Takes over a connection that was open before the host lost its memory. */
  restore(connection: Connection): void {
    this.connections.add(connection);
  }

  /** A text frame has arrived: it waits in the inbox for {@link run}. CLOSE and NEG-CLOSE do not wait. */
  receive(connection: Connection, text: string): void {
    this.charge(connection, COST.frame);
    if (this.#isCutOff(connection)) return;
    const { inbox } = connection;
    const isWaiting = inbox.count > 0 || connection.task !== undefined;
    if (isWaiting && this.#closeAhead(connection, text)) return;
    if (!this.#overload.admit(connection, text)) return this.#refuseOverrun(connection, text);
    if (inbox.isEnough && !connection.isPaused) connection.isPaused = connection.socket.pause();
    this.#scheduler.ready(connection);
  }

  /** A binary frame of so many bytes is no message (M-14). */
  receiveBinary(connection: Connection, bytes: number): void {
    this.charge(connection, COST.frame);
    if (this.#isCutOff(connection)) return;
    const refusal = this.#admit(connection, undefined, bytes);
    if (refusal === CUT_OFF) return;
    connection.send(["NOTICE", refusal ?? "invalid: binary frames are not supported"]);
  }

  /** Counts work that the host has done for a connection, in units. */
  charge(connection: Connection, units: number): void {
    this.#scheduler.charge(connection, units);
  }

  /** The client has gone. What it has sent is still published, unless the relay had closed the connection. */
  leave(connection: Connection): void {
    connection.isGone = true;
    this.#release(connection);
    this.#scheduler.ready(connection);
  }

  /** Ends a connection, after a NOTICE: nothing more of it is served (R-01-07, R-01-08). */
  close(connection: Connection, code: number, text: string): void {
    if (connection.isClosed || connection.isGone) return;
    connection.send(["NOTICE", text]);
    connection.isClosed = true;
    this.#overload.clear(connection);
    this.#release(connection);
    connection.socket.close(code, text.slice(0, 100));
  }

  /**
   * Serves what has arrived, for a slice of work of some two milliseconds. Returns whether there is more to do: then it is to be
   * called again, after the host has looked for what has arrived meanwhile.
   */
  run(): boolean {
    this.#scheduler.run();
    this.#publisher.gather(this.#scheduler.isBusy);
    return this.#scheduler.isBusy;
  }

  /** Commits what waits, so that a change of access counts for exactly what comes after it. */
  settle(): void {
    this.#publisher.commit();
    this.#announce();
  }

  /** Who may read has changed: what the connection may not have any longer ends at once. */
  enforce(connection: Connection): void {
    const reason = refuseReader(this.#deps.access, connection.authed);
    if (reason === undefined || (connection.authed.size === 0 && this.#deps.config.authRequired)) return;
    for (const subscription of [...connection.subscriptions.values()]) this.subscriptions.end(subscription, reason);
    this.#syncs.end(connection, reason);
  }

  #enforceAll(pubkey: string): void {
    for (const connection of this.connections) if (connection.authed.has(pubkey)) this.enforce(connection);
  }

  /** Frees what is kept for a connection; the events of its inbox stay. */
  #release(connection: Connection): void {
    connection.endTask();
    connection.held = [];
    this.connections.remove(connection);
    this.#scheduler.drop(connection);
    this.#syncs.drop(connection);
    this.#admission.drop(connection);
    this.subscriptions.drop(connection);
  }

  /** Whether nothing is served any more. A client that asks for more than it reads is not answered for ever (R-01-10). */
  #isCutOff(connection: Connection): boolean {
    if (connection.isClosed || connection.isGone) return true;
    connection.socket.heard();
    if (connection.isExcessive(this.#deps.config.authRequired)) this.#cutOffSlow(connection);
    return connection.isClosed;
  }

  #cutOffSlow(connection: Connection): void {
    this.close(connection, 1008, connection.isAuthenticated || !this.#deps.config.authRequired ? TOO_SLOW : TOO_MANY);
  }

  /** What a rate says: a reason if the frame is refused, {@link CUT_OFF} if the connection is closed. */
  #admit(connection: Connection, message: ClientMessage | undefined, size: number): Reason | typeof CUT_OFF | undefined {
    const { refusal, isPatient } = this.#admission.admit(connection, message, size);
    if (isPatient) return refusal;
    this.#cutOff(connection);
    return CUT_OFF;
  }

  /** What was served before is answered before the Close. */
  #cutOff(connection: Connection): void {
    this.#publisher.settle(connection);
    this.close(connection, 1008, TOO_MANY_REFUSED);
  }

  /** CLOSE and NEG-CLOSE end what is under way, and what waits, when they arrive; false if the frame is neither. */
  #closeAhead(connection: Connection, text: string): boolean {
    if (this.#isGated(connection) || text.length > MAX_CLOSING || !CLOSING.test(text)) return false;
    const parsed = this.#parse(text);
    if (!parsed.ok || (parsed.value.verb !== "CLOSE" && parsed.value.verb !== "NEG-CLOSE")) return false;
    const subject = subjectOf(parsed.value);
    if (subject === undefined || !connection.inbox.close(subject)) return false;
    if (this.#admit(connection, parsed.value, text.length) === CUT_OFF) return true;
    this.#end(connection, parsed.value.verb, parsed.value.id);
    return true;
  }

  #end(connection: Connection, verb: "CLOSE" | "NEG-CLOSE", id: string): void {
    if (verb === "CLOSE") this.subscriptions.close(connection, id);
    else this.#syncs.close(connection, id);
  }

  /** There is no room for what waits. It is refused before what came earlier, which must not open what is closed then. */
  #refuseOverrun(connection: Connection, text: string): void {
    const parsed = this.#parse(text);
    if (!parsed.ok) return connection.send(["NOTICE", OVERRUN]);
    const { verb } = parsed.value;
    // Who takes something back is not refused that, but has to begin anew.
    if (verb === "CLOSE" || verb === "NEG-CLOSE") return this.close(connection, 1008, OVERRUN);
    const subject = subjectOf(parsed.value);
    if (subject !== undefined) connection.inbox.close(subject);
    this.#refuse(connection, parsed.value, this.#isGated(connection) ? AUTH_REQUIRED : OVERRUN);
  }

  /** One step for a connection. Never throws: a failure is answered, logged, and the connection goes on (R-06-14). */
  #step(connection: Connection): void {
    if (connection.task !== undefined) return this.#resume(connection);
    const text = this.#overload.take(connection);
    if (text === undefined) return;
    const parsed = this.#parse(text);
    const message = parsed.ok ? parsed.value : undefined;
    if (connection.isGone && message?.verb !== "EVENT") return;
    if (connection.inbox.isClosed(subjectOf(message))) return;
    try {
      this.#serve(connection, text, parsed);
    } catch (error) {
      this.#fail(connection, message, error);
    }
  }

  #parse(text: string): Parsed {
    const { maxMessageLength } = this.#deps.config;
    this.#deps.meter.spent += Math.min(text.length, maxMessageLength) * COST.character;
    return exceedsBytes(text, maxMessageLength)
      ? refuse(`invalid: message too large, at most ${maxMessageLength} bytes`)
      : parseClientMessage(text);
  }

  #fail(connection: Connection, message: ClientMessage | undefined, error: unknown): void {
    this.#deps.host.report("message failed", { connection: connection.id, verb: message?.verb, error: String(error) });
    if (message !== undefined && refusalOf(message, INTERNAL_ERROR)[0] !== "NOTICE") {
      this.#refuse(connection, message, INTERNAL_ERROR);
    }
    connection.send(["NOTICE", "internal error"]);
  }

  #serve(connection: Connection, text: string, parsed: Parsed): void {
    const isGated = this.#isGated(connection);
    const message = parsed.ok ? parsed.value : undefined;
    const refusal = this.#admit(connection, message, text.length);
    if (refusal === CUT_OFF) return;
    if (!parsed.ok) {
      const isTooLarge = exceedsBytes(text, this.#deps.config.maxMessageLength);
      return connection.send(["NOTICE", refusal ?? (isGated && !isTooLarge ? AUTH_REQUIRED : parsed.reason)]);
    }
    const { verb } = parsed.value;
    if (refusal !== undefined) {
      // Of two answers about an id this is the last; a subscription that ends by it has what its connection sent before.
      if (verb === "EVENT" && this.#publisher.waits(parsed.value.id)) this.#publisher.commit();
      if (verb === "REQ") this.#publisher.settle(connection);
      return this.#refuse(connection, parsed.value, refusal);
    }
    if (isGated && verb !== "AUTH" && verb !== "PING") {
      if (this.#grace.hold(connection, text)) return;
      return this.#refuse(connection, parsed.value, AUTH_REQUIRED);
    }
    if (verb === "EVENT") return this.#publish(connection, parsed.value);
    // It finds what it has sent itself (R-01-09). What others have waiting has no OK yet, and comes live.
    this.#publisher.settle(connection);
    this.#answer(connection, parsed.value);
  }

  #isGated(connection: Connection): boolean {
    return this.#deps.config.authRequired && !connection.isAuthenticated;
  }

  #publish(connection: Connection, { id, event }: ClientMessage & { verb: "EVENT" }): void {
    if (this.membership === undefined || !isRequest(event)) return this.#publisher.publish(connection, id, event);
    this.#publisher.commit();
    this.membership.serve(connection, id, event);
  }

  #answer(connection: Connection, message: Exclude<ClientMessage, { verb: "EVENT" }>): void {
    if (READS.has(message.verb)) {
      this.#announce();
      const reason = refuseReader(this.#deps.access, connection.authed);
      if (reason !== undefined) return this.#refuse(connection, message, reason);
    }
    switch (message.verb) {
      case "REQ":
        return this.#begin(connection, message, request(this.#readDeps, connection, message.id, message.filters));
      case "COUNT":
        return this.#begin(connection, message, count(this.#readDeps, connection, message.id, message.filters));
      case "NEG-OPEN":
        return this.#begin(connection, message, this.#syncs.open(connection, message.id, message.parts));
      case "NEG-MSG":
        return this.#begin(connection, message, this.#syncs.receive(connection, message.id, message.parts));
      case "CLOSE":
      case "NEG-CLOSE":
        return this.#end(connection, message.verb, message.id);
      case "AUTH":
        return this.#authenticate(connection, message);
      case "PING":
        return connection.send(["PONG"]);
    }
  }

  get #readDeps() {
    const { config, access, log } = this.#deps;
    return { config, access, log, subscriptions: this.subscriptions, membership: this.membership };
  }

  /** Begins with a read; what it does not do in one step is a task. */
  #begin(connection: Connection, message: ClientMessage, steps: Steps<void> | undefined): void {
    if (steps === undefined) return;
    connection.task = { message, steps };
    if (!connection.socket.isCrowded) this.#resume(connection);
  }

  #resume(connection: Connection): void {
    const { task } = connection;
    if (task === undefined) return;
    try {
      if (task.steps.next().done && connection.task === task) connection.task = undefined;
    } catch (error) {
      connection.task = undefined;
      this.#fail(connection, task.message, error);
    }
  }

  #authenticate(connection: Connection, { id, event }: ClientMessage & { verb: "AUTH" }): void {
    const { config, crypto, host } = this.#deps;
    const deps = { config, crypto, clock: host.clock, survival: host.survival, admission: this.#admission };
    if (authenticate(deps, connection, id, event) === "barred") return this.#cutOff(connection);
    this.enforce(connection);
    // What was held comes before anything that comes later (R-01-09).
    if (connection.isAuthenticated) this.#overload.enterFirst(connection, this.#grace.take(connection));
  }

  /** Refuses a message that is not looked at; what it would have replaced ends (R-03-25, R-05-41). */
  #refuse(connection: Connection, message: ClientMessage, reason: Reason): void {
    // What is held of the same id must not open it again.
    if (connection.held.length > 0 && subjectOf(message) !== undefined) this.#grace.end(connection);
    if (message.verb === "REQ") this.subscriptions.close(connection, message.id);
    if (message.verb === "NEG-OPEN" || message.verb === "NEG-MSG") this.#syncs.close(connection, message.id);
    connection.send(refusalOf(message, reason));
  }

  /** That something cannot be published now keeps nobody from being served (R-06-17). */
  #announce(): void {
    if (!this.membership?.announcements.isReady) return;
    try {
      this.membership.announcements.settle();
    } catch (error) {
      this.#deps.host.report("announcing failed", { error: String(error) });
    }
  }
}

const CUT_OFF = Symbol("the connection is closed");

const TOO_SLOW = "error: too slow to receive what was asked for";
const TOO_MANY = "auth-required: too many messages without a login";
const TOO_MANY_REFUSED = "rate-limited: too many refused messages";
const OVERRUN: Reason = "rate-limited: too much waits for what this connection has asked for, try again later, retry=1";

/** What a CLOSE or NEG-CLOSE begins with, and how long one is that takes effect at once. */
const CLOSING = /^\s*\[\s*"(?:NEG-)?CLOSE"/;
const MAX_CLOSING = 1024;
