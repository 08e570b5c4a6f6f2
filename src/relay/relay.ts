import { type ClientMessage, parseClientMessage } from "../protocol/message.ts";
import { AUTH_REQUIRED, type Reason, refuse } from "../protocol/reason.ts";
import { exceedsBytes } from "../protocol/text.ts";
import { hasMembership, refuseReader } from "./access/access.ts";
import { authenticate } from "./access/authenticate.ts";
import type { Connection } from "./connection.ts";
import { Admission } from "./limits/admission.ts";
import { Breaths } from "./limits/breath.ts";
import { type Frame, Line } from "./line.ts";
import { isRequest, Membership } from "./members/membership.ts";
import { Parking } from "./parking.ts";
import type { ChangeLog } from "./ports.ts";
import { type PublishDeps, Publisher } from "./publish/publish.ts";
import { count, type SubscribeDeps, subscribe } from "./read/subscribe.ts";
import { Syncs } from "./read/sync.ts";
import { failureOf, refusalOf } from "./refusals.ts";
import { READS, subjectOf, turnOf, WORK } from "./turn.ts";
import { Turns } from "./turns.ts";

export interface RelayDeps extends PublishDeps {
  changeLog: ChangeLog;
  /** All that are open. */
  connections: () => Iterable<Connection>;
}

type Parsed = ReturnType<typeof parseClientMessage>;

/** One relay: takes the frames of its connections and answers them. Knows neither the platform nor SQL. */
export class Relay {
  /** Where members are kept (NIP-43). */
  readonly membership: Membership | undefined;
  readonly #deps: RelayDeps & SubscribeDeps;
  readonly #publisher: Publisher;
  readonly #syncs: Syncs;
  readonly #admission: Admission;
  readonly #breaths: Breaths;
  readonly #parking: Parking;
  readonly #line: Line;

  constructor(deps: RelayDeps) {
    const turns = new Turns(deps.clock);
    this.#publisher = new Publisher(deps, turns);
    this.#syncs = new Syncs(deps);
    const { secretKey } = deps.config;
    if (secretKey !== undefined && hasMembership(deps.access)) {
      const issue: Publisher["issue"] = (events) => this.#publisher.issue(events);
      this.membership = new Membership({ ...deps, secretKey, issue, enforce: (pubkey) => this.#enforceAll(pubkey) });
    } else {
      // Anybody may sign of members now; it is removed when the relay does so again (R-05-63).
      deps.access.lists.remove("signing", "self");
      deps.access.lists.remove("signing", "foreign");
    }
    this.#deps = { ...deps, invite: (authed, filters) => this.membership?.invite(authed, filters) };
    this.#admission = new Admission(deps.config, deps.clock);
    this.#breaths = new Breaths(deps.clock);
    this.#line = new Line(turns, (connection, frame) => this.#beginLater(connection, frame));
    this.#parking = new Parking(deps.clock, (connection, { text }) => {
      const message = parseClientMessage(text);
      if (message.ok) connection.send(refusalOf(message.value, AUTH_REQUIRED));
    });
  }

  /** The relay has closed the connection, or its client has: what is kept in memory for it is freed. */
  drop(connection: Connection): void {
    connection.isClosed = true;
    this.#syncs.drop(connection);
    this.#admission.drop(connection);
    this.#parking.take(connection);
  }

  /** The client has gone: what it has sent before is still published, unless the relay had closed the connection. */
  leave(connection: Connection): void {
    this.#line.drop(connection, connection.isClosed);
    this.drop(connection);
  }

  /**
   * Who may read has changed, or the connection has one more key: what it may not have any longer ends at once. To be
   * called in the turn of the change, so that nothing is delivered in between.
   */
  enforce(connection: Connection): void {
    const reason = refuseReader(this.#deps.access, connection.authed);
    if (reason === undefined || (connection.authed.size === 0 && this.#deps.config.authRequired)) return;
    for (const subscription of [...connection.subscriptions.values()])
      this.#deps.subscriptions.end(subscription, reason);
    this.#syncs.end(connection, reason);
  }

  #enforceAll(pubkey: string): void {
    for (const connection of this.#deps.connections()) if (connection.authed.has(pubkey)) this.enforce(connection);
  }

  /** Commits what waits, so that a change of access counts for exactly what comes after it. */
  async settle(): Promise<void> {
    await this.#publisher.flush();
    await this.#announce();
  }

  /** That something cannot be published now keeps nobody from being served (R-06-17). */
  async #announce(): Promise<void> {
    if (!this.membership?.announcements.isReady) return;
    try {
      await this.membership.announcements.settle();
    } catch (error) {
      this.#deps.report("announcing failed", { error: String(error) });
    }
  }

  /** Serves one text frame. Never throws: a failure is answered, logged, and the connection goes on (R-06-14). */
  async receive(connection: Connection, text: string): Promise<void> {
    if (this.#isCutOff(connection)) return this.#breaths.count(0, false);
    const parsed = this.#parse(text);
    const message = parsed.ok ? parsed.value : undefined;
    const frame = { text, subject: subjectOf(message) };
    let refused: Promise<void> | undefined;
    const isServed = this.#admission.admit(connection, message, text.length, (refusal) => {
      refused = this.#queue(connection, parsed, { ...frame, refusal });
    });
    this.#breaths.count(WORK[turnOf(message)], isServed && parsed.ok);
    return isServed ? this.#queue(connection, parsed, frame) : refused;
  }

  #parse(text: string): Parsed {
    const { maxMessageLength } = this.#deps.config;
    return exceedsBytes(text, maxMessageLength)
      ? refuse(`invalid: message too large, at most ${maxMessageLength} bytes`)
      : parseClientMessage(text);
  }

  /** Serves a frame, or refuses it, now or when its turn comes: what is refused takes its time, too. */
  async #queue(connection: Connection, parsed: Parsed, frame: Frame): Promise<void> {
    const turn = turnOf(parsed.ok && frame.refusal === undefined ? parsed.value : undefined);
    if (!this.#line.isBusy(connection, turn)) return this.#begin(connection, parsed, frame);
    if (this.#line.enter(connection, turn, frame)) return;
    // It is refused before what came earlier, which would open what is closed then.
    if (frame.subject !== undefined) this.#line.withdraw(connection, frame.subject);
    if (!parsed.ok || frame.refusal !== undefined) return this.#begin(connection, parsed, frame);
    const { verb } = parsed.value;
    // Who takes something back is not refused that, but has to begin anew.
    if (verb === "CLOSE" || verb === "NEG-CLOSE") return connection.close(1008, OVERRUN);
    await this.#begin(connection, parsed, { ...frame, refusal: OVERRUN });
  }

  /** Serves a frame that has waited, of a client that has left only if it is an event. Never throws. */
  async #beginLater(connection: Connection, frame: Frame): Promise<void> {
    const parsed = this.#parse(frame.text);
    const message = parsed.ok ? parsed.value : undefined;
    if (connection.isClosed && message?.verb !== "EVENT") return;
    try {
      await this.#begin(connection, parsed, frame);
    } catch (error) {
      this.#deps.report("message failed", { connection: connection.id, error: String(error) });
      if (message !== undefined) for (const answer of failureOf(message)) connection.send(answer);
    }
  }

  /** Serves a frame whose turn it is. Reads go on by themselves. */
  async #begin(connection: Connection, parsed: Parsed, frame: Frame): Promise<void> {
    const { text, subject, refusal } = frame;
    const isGated = this.#isGated(connection);
    if (!parsed.ok) {
      const isTooLarge = exceedsBytes(text, this.#deps.config.maxMessageLength);
      return connection.send(["NOTICE", refusal ?? (isGated && !isTooLarge ? AUTH_REQUIRED : parsed.reason)]);
    }
    const message = parsed.value;
    const { verb } = message;
    if (refusal !== undefined) {
      if (subject !== undefined) this.#parking.withdraw(connection, subject);
      // A subscription that ends by it first gets what its connection has sent; of two answers about an id this is the last.
      const hasToWait = verb === "EVENT" ? this.#publisher.waits(message.id) : verb === "REQ";
      if (hasToWait) await this.#publisher.settle(connection);
      return this.#refuse(connection, message, refusal);
    }
    if (isGated && verb !== "AUTH" && verb !== "PING") {
      if (this.#parking.park(connection, { text, subject })) return;
      if (subject !== undefined) this.#parking.withdraw(connection, subject);
      return connection.send(refusalOf(message, AUTH_REQUIRED));
    }
    const work = this.#answer(connection, message);
    if (READS.has(verb)) return this.#line.hold(connection, turnOf(message), work);
    await work;
    if (connection.isAuthenticated) this.#unpark(connection);
  }

  #isGated(connection: Connection): boolean {
    return this.#deps.config.authRequired && !connection.isAuthenticated;
  }

  /** A binary frame of so many bytes is no message (M-14). */
  receiveBinary(connection: Connection, bytes: number): void {
    this.#breaths.count(0, false);
    if (this.#isCutOff(connection)) return;
    if (this.#admission.admit(connection, undefined, bytes, (reason) => connection.send(["NOTICE", reason]))) {
      connection.send(["NOTICE", "invalid: binary frames are not supported"]);
    }
  }

  /** Whether nothing is served any more. A client that asks for more than it reads is not answered for ever (R-01-10). */
  #isCutOff(connection: Connection): boolean {
    if (connection.isClosed) return true;
    connection.outbound.heard();
    if (connection.outbound.isOverflowing) connection.cutOff();
    return connection.isClosed;
  }

  /** What has been parked is served before anything that comes later (R-01-09). */
  #unpark(connection: Connection): void {
    const frames = this.#parking.take(connection).map((frame) => {
      const parsed = parseClientMessage(frame.text);
      return { turn: turnOf(parsed.ok ? parsed.value : undefined), frame };
    });
    if (frames.length > 0) this.#line.enterFirst(connection, frames);
  }

  async #answer(connection: Connection, message: ClientMessage): Promise<void> {
    try {
      await this.#serve(connection, message);
    } catch (error) {
      this.#deps.report("message failed", { connection: connection.id, verb: message.verb, error: String(error) });
      for (const frame of failureOf(message)) connection.send(frame);
    }
  }

  /** Refuses a message that is not looked at; what it would have replaced ends (R-03-25, R-05-41). */
  #refuse(connection: Connection, message: ClientMessage | undefined, reason: Reason): void {
    if (message?.verb === "REQ") this.#deps.subscriptions.close(connection, message.id);
    if (message?.verb === "NEG-OPEN" || message?.verb === "NEG-MSG") this.#syncs.close(connection, message.id);
    connection.send(message === undefined ? ["NOTICE", reason] : refusalOf(message, reason));
  }

  async #serve(connection: Connection, message: ClientMessage): Promise<void> {
    if (message.verb === "EVENT") {
      if (this.membership === undefined || !isRequest(message.event)) {
        return this.#publisher.publish(connection, message.id, message.event);
      }
      await this.#publisher.flush();
      return this.membership.serve(connection, message.id, message.event);
    }
    // It finds what it has sent itself (R-01-09). What others have waiting has no OK yet, and comes live; what is in the log
    // already is delivered first, to those who are subscribed by now.
    await this.#publisher.settle(connection);
    await this.#announce();
    while (!this.#publisher.isSettled) await this.#publisher.settle(connection);
    // Either may have changed who may read, or who can be served: asked in the turn in which it is done.
    if (connection.isClosed) return;
    if (READS.has(message.verb)) {
      const reason = refuseReader(this.#deps.access, connection.authed);
      if (reason !== undefined) return connection.send(refusalOf(message, reason));
    }
    switch (message.verb) {
      case "COUNT":
        return count(this.#deps, connection, message.id, message.filters);
      case "REQ":
        return subscribe(this.#deps, connection, message.id, message.filters);
      case "CLOSE":
        return this.#deps.subscriptions.close(connection, message.id);
      case "AUTH":
        authenticate({ ...this.#deps, admission: this.#admission }, connection, message.id, message.event);
        return this.enforce(connection);
      case "NEG-OPEN":
        return this.#syncs.open(connection, message.id, message.parts);
      case "NEG-MSG":
        return this.#syncs.receive(connection, message.id, message.parts);
      case "NEG-CLOSE":
        return this.#syncs.close(connection, message.id);
      case "PING":
        return connection.send(["PONG"]);
    }
  }
}

const OVERRUN: Reason = "rate-limited: too much waits for what this connection has asked for, try again later";
