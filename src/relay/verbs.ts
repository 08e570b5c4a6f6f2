import { type ClientMessage, parseClientMessage } from "../protocol/message.ts";
import { AUTH_REQUIRED, INTERNAL_ERROR, type Reason, refuse } from "../protocol/reason.ts";
import { exceedsBytes, exceedsObjects, MAX_OBJECTS } from "../protocol/text.ts";
import { unreadMessage } from "../protocol/unread.ts";
import { COST, type Meter } from "../protocol/work.ts";
import type { EventLog } from "../store/event-log.ts";
import type { Steps } from "../store/steps.ts";
import { type Access, refuseReader } from "./access/access.ts";
import { type AuthenticateDeps, authenticate } from "./access/authenticate.ts";
import type { Grace } from "./access/grace.ts";
import type { Config } from "./config/config.ts";
import type { Connection } from "./connection.ts";
import type { Overload } from "./limits/overload.ts";
import { type Throttle, TOO_MANY_REFUSED } from "./limits/throttle.ts";
import { isRequest, type Membership } from "./members/membership.ts";
import type { Metrics, Verb } from "./metrics.ts";
import type { Host } from "./ports.ts";
import type { Publisher } from "./publish/publish.ts";
import { count } from "./read/count.ts";
import { request } from "./read/request.ts";
import type { Subscriptions } from "./read/subscriptions.ts";
import type { Syncs } from "./read/sync.ts";
import { refusalOf } from "./refusals.ts";
import { READS, subjectOf } from "./task.ts";

export interface VerbsDeps {
  config: Config;
  access: Access;
  host: Host;
  meter: Meter;
  metrics: Metrics;
  log: EventLog;
  publisher: Publisher;
  subscriptions: Subscriptions;
  syncs: Syncs;
  readonly membership: Membership | undefined;
  throttle: Throttle;
  overload: Overload;
  grace: Grace;
  crypto: AuthenticateDeps["crypto"];
  /** Ends a connection, after a NOTICE. */
  close(connection: Connection, code: number, text: string): void;
  /** The connection has one more key. */
  identified(connection: Connection): void;
}

type Parsed = ReturnType<typeof parseClientMessage>;

/** What each message does. */
export class Verbs {
  readonly #deps: VerbsDeps;

  constructor(deps: VerbsDeps) {
    this.#deps = deps;
  }

  /** One step for a connection. Never throws: a failure is answered, logged, and the connection goes on (R-06-14). */
  step(connection: Connection): void {
    const { meter, metrics } = this.#deps;
    const before = meter.spent - meter.prepaid;
    const verb = this.#step(connection);
    const units = meter.spent - meter.prepaid - before;
    metrics.work[verb] += units;
    if (units > SLOW) this.#deps.host.report("slow step", { verb, units, connection: connection.id }, "warn");
  }

  /** What the step was about. */
  #step(connection: Connection): Verb {
    const { task } = connection;
    if (task !== undefined) {
      this.#resume(connection);
      return task.message.verb;
    }
    const text = this.#deps.overload.take(connection);
    if (text === undefined) return "none";
    this.#deps.meter.spent += COST.served;
    const parsed = this.#parse(text);
    const message = messageOf(parsed);
    const verb = message?.verb ?? "none";
    if (connection.isGone && verb !== "EVENT") return verb;
    if (connection.inbox.isClosed(subjectOf(message))) return verb;
    try {
      this.#serve(connection, text, parsed);
    } catch (error) {
      this.#fail(connection, message, error);
    }
    return verb;
  }

  /** Refuses a binary frame of so many bytes (M-14). */
  refuseBinary(connection: Connection, bytes: number): void {
    this.#deps.metrics.frames.none++;
    const refusal = this.#check(connection, undefined, bytes);
    if (refusal !== CUT_OFF) connection.send(["NOTICE", refusal ?? "invalid: binary frames are not supported"]);
  }

  /** CLOSE and NEG-CLOSE end what is under way, and what waits, when they arrive; false if the frame is neither. */
  closeAhead(connection: Connection, text: string): boolean {
    if (this.#isGated(connection) || text.length > MAX_CLOSING || !CLOSING.test(text)) return false;
    const parsed = this.#parse(text);
    if (!parsed.ok || (parsed.value.verb !== "CLOSE" && parsed.value.verb !== "NEG-CLOSE")) return false;
    const subject = subjectOf(parsed.value);
    if (subject === undefined || !connection.inbox.close(subject)) return false;
    this.#deps.metrics.frames[parsed.value.verb]++;
    if (this.#check(connection, parsed.value, text.length) !== CUT_OFF) this.#end(connection, parsed.value);
    return true;
  }

  /** Refuses a frame for which there is no room. What waits of its id is withdrawn: it would open again what this closes. */
  refuseOverrun(connection: Connection, text: string): void {
    const message = messageOf(this.#parse(text));
    this.#deps.metrics.frames[message?.verb ?? "none"]++;
    if (message === undefined) return connection.send(["NOTICE", OVERRUN]);
    const { verb } = message;
    // Who takes something back is not refused that, but has to begin anew.
    if (verb === "CLOSE" || verb === "NEG-CLOSE") return this.#deps.close(connection, 1008, OVERRUN);
    const subject = subjectOf(message);
    if (subject !== undefined) connection.inbox.close(subject);
    this.#refuse(connection, message, this.#isGated(connection) ? AUTH_REQUIRED : OVERRUN);
  }

  #parse(text: string): Parsed {
    const { config, meter } = this.#deps;
    meter.spent += Math.min(text.length, config.maxMessageLength) * COST.character;
    const tooLarge = refuse(`invalid: message too large, at most ${config.maxMessageLength} bytes`);
    if (exceedsBytes(text, config.maxMessageLength)) return { ...tooLarge, message: unreadMessage(text) };
    const tooMany = refuse(`invalid: more than ${MAX_OBJECTS} JSON objects in a message`);
    if (exceedsObjects(text)) return { ...tooMany, message: unreadMessage(text) };
    const parsed = parseClientMessage(text);
    if (!parsed.ok) meter.spent += COST.malformed;
    return parsed;
  }

  #serve(connection: Connection, text: string, parsed: Parsed): void {
    const { config, publisher, grace, metrics } = this.#deps;
    const isGated = this.#isGated(connection);
    const message = messageOf(parsed);
    metrics.frames[message?.verb ?? "none"]++;
    const limited = this.#check(connection, message, text.length);
    if (limited === CUT_OFF) return;
    const refusal = limited ?? (parsed.ok ? undefined : parsed.reason);
    if (message === undefined) {
      const isTooLarge = exceedsBytes(text, config.maxMessageLength);
      const reason = limited ?? (isGated && !isTooLarge ? AUTH_REQUIRED : refusal);
      return connection.send(["NOTICE", reason ?? INTERNAL_ERROR]);
    }
    if (refusal !== undefined) {
      // An event of the same id that waits gets its OK first. A subscription that ends gets what its connection sent before.
      if (message.verb === "EVENT" && publisher.waits(message.id)) publisher.commit();
      if (message.verb === "REQ") publisher.commitOf(connection);
      return this.#refuse(connection, message, refusal);
    }
    if (isGated && message.verb !== "AUTH" && message.verb !== "PING") {
      if (!grace.hold(connection, text, subjectOf(message))) this.#refuse(connection, message, AUTH_REQUIRED);
      // It is counted when it is served, or refused at the end of the grace.
      else metrics.frames[message.verb]--;
      return;
    }
    if (message.verb === "EVENT") return this.#publish(connection, message);
    // A read finds what its own connection has sent (R-01-09). Events of others that wait have no OK yet, and come live.
    publisher.commitOf(connection);
    if (grace.isRepeated(connection, text, subjectOf(message)) && this.#isRepeatServed(connection, message)) return;
    this.#answer(connection, message);
  }

  /** A read that is repeated is not run twice. welshman, which has missed the first EOSE then, waits for the second. */
  #isRepeatServed(connection: Connection, message: ClientMessage): boolean {
    if (message.verb !== "REQ") return true;
    const isOpen = connection.subscriptions.has(message.id);
    if (isOpen) connection.send(["EOSE", message.id]);
    return isOpen;
  }

  #isGated(connection: Connection): boolean {
    return this.#deps.config.authRequired && !connection.isAuthenticated;
  }

  #publish(connection: Connection, { id, event }: ClientMessage & { verb: "EVENT" }): void {
    const { publisher, membership } = this.#deps;
    if (membership === undefined || !isRequest(event)) return publisher.publish(connection, id, event);
    publisher.commit();
    membership.serve(connection, id, event);
  }

  #answer(connection: Connection, message: Exclude<ClientMessage, { verb: "EVENT" }>): void {
    const { access, membership, syncs } = this.#deps;
    if (READS.has(message.verb)) {
      // Who reads sees its own change of members.
      membership?.announcements.publishIfReady();
      const reason = refuseReader(access, connection.authed);
      if (reason !== undefined) return this.#refuse(connection, message, reason);
    }
    switch (message.verb) {
      case "REQ":
        return this.#begin(connection, message, request(this.#deps, connection, message.id, message.filters));
      case "COUNT":
        return this.#begin(connection, message, count(this.#deps, connection, message.id, message.filters));
      case "NEG-OPEN":
        return this.#begin(connection, message, syncs.open(connection, message.id, message.parts));
      case "NEG-MSG":
        return this.#begin(connection, message, syncs.receive(connection, message.id, message.parts));
      case "CLOSE":
      case "NEG-CLOSE":
        return this.#end(connection, message);
      case "AUTH":
        return this.#authenticate(connection, message);
      case "PING":
        return connection.send(["PONG"]);
    }
  }

  /** Begins with a read; what it does not do in one step is a task. */
  #begin(connection: Connection, message: ClientMessage, steps: Steps<void> | undefined): void {
    if (steps === undefined) return;
    connection.task = { message, steps, begunMs: this.#deps.host.clock.nowMs() };
    if (!connection.socket.isCrowded) this.#resume(connection);
  }

  #resume(connection: Connection): void {
    const { task } = connection;
    if (task === undefined) return;
    try {
      if (!task.steps.next().done) return;
      if (connection.task === task) connection.task = undefined;
      const { host, metrics } = this.#deps;
      metrics.readSeconds.observe(Math.max(0, host.clock.nowMs() - task.begunMs) / 1000);
    } catch (error) {
      connection.task = undefined;
      this.#fail(connection, task.message, error);
    }
  }

  #end(connection: Connection, message: ClientMessage & { verb: "CLOSE" | "NEG-CLOSE" }): void {
    const { verb, id } = message;
    this.#deps.grace.withdraw(connection, subjectOf(message));
    if (verb === "CLOSE") this.#deps.subscriptions.close(connection, id);
    else this.#deps.syncs.close(connection, id);
  }

  #authenticate(connection: Connection, { id, event }: ClientMessage & { verb: "AUTH" }): void {
    const { overload, grace, identified } = this.#deps;
    if (authenticate(this.#deps, connection, id, event) === "barred") return this.#cutOff(connection);
    identified(connection);
    // What was held comes before anything that comes later (R-01-09).
    if (connection.isAuthenticated) overload.enterFirst(connection, grace.release(connection));
  }

  /** Refuses a message that is not looked at; what it would have replaced ends (R-03-25, R-05-41). */
  #refuse(connection: Connection, message: ClientMessage, reason: Reason): void {
    const { grace, subscriptions, syncs, metrics } = this.#deps;
    metrics.refuse(message, reason);
    grace.withdraw(connection, subjectOf(message));
    if (message.verb === "REQ") subscriptions.close(connection, message.id);
    if (message.verb === "NEG-OPEN" || message.verb === "NEG-MSG") syncs.close(connection, message.id);
    connection.send(refusalOf(message, reason));
  }

  #fail(connection: Connection, message: ClientMessage | undefined, error: unknown): void {
    const { report } = this.#deps.host;
    report("message failed", { connection: connection.id, verb: message?.verb, error: String(error) });
    if (message !== undefined && refusalOf(message, INTERNAL_ERROR)[0] !== "NOTICE") {
      this.#refuse(connection, message, INTERNAL_ERROR);
    }
    connection.send(["NOTICE", "internal error"]);
  }

  /** What a rate says: a reason if the frame is refused, {@link CUT_OFF} if the connection is closed. */
  #check(
    connection: Connection,
    message: ClientMessage | undefined,
    size: number,
  ): Reason | typeof CUT_OFF | undefined {
    const { refusal, isPatient } = this.#deps.throttle.check(connection, message, size);
    if (isPatient) return refusal;
    this.#cutOff(connection);
    return CUT_OFF;
  }

  /** What was served before is answered before the Close. */
  #cutOff(connection: Connection): void {
    this.#deps.publisher.commitOf(connection);
    this.#deps.close(connection, 1008, TOO_MANY_REFUSED);
  }
}

/** What a frame says, as far as it could be read. */
function messageOf(parsed: Parsed): ClientMessage | undefined {
  return parsed.ok ? parsed.value : parsed.message;
}

/** Work of one step, in units, that is told to the operator: twice what any may take. */
const SLOW = 10_000;

const CUT_OFF = Symbol("the connection is closed");

const OVERRUN: Reason = "rate-limited: too much waits for what this connection has asked for, try again later, retry=1";

/** What a CLOSE or NEG-CLOSE begins with, and how long one is that takes effect at once. */
const CLOSING = /^\s*\[\s*"(?:NEG-)?CLOSE"/;
const MAX_CLOSING = 1024;
