import type { Event } from "nostr-tools/pure";
import type { Connection } from "../../../src/relay/connection.ts";
import type { Inbox } from "../../../src/relay/inbox.ts";
import type { Frame } from "../../support/client.ts";
import type { Archive } from "../../support/model/archive.ts";
import { Oracle } from "../../support/model/oracle.ts";
import { brief, short, withoutExtras } from "../../support/model/session-frames.ts";
import { SyncClients } from "../../support/model/sync-client.ts";
import { Matcher } from "./matcher.ts";
import { type Arrived, aboutOf, type Party } from "./party.ts";
import { type Served, WaitingEvents } from "./waiting-events.ts";
import type { Watcher } from "./watch.ts";

const READS: readonly unknown[] = ["REQ", "COUNT", "NEG-OPEN", "NEG-MSG"];
const INTERNAL = "error: internal error";

/** Something that the relay has sent, or that it has closed a connection. */
interface Sent {
  party: Party;
  frame: Frame | undefined;
}

/** Judges what a relay sends: tells the oracle what the relay does, in the order in which it does it. */
export class Referee implements Watcher {
  readonly oracle: Oracle;
  readonly matcher: Matcher;
  readonly syncs = new SyncClients();
  readonly parties = new Map<Inbox, Party>();
  /** What was found wrong first. */
  wrong: string | undefined;
  /** The machine has stopped in this action. */
  isOver: () => boolean = () => false;
  /** Statements have failed in this action. */
  hasFailed: () => boolean = () => false;
  stepped: (party: Party, step: () => void) => void = (_, step) => step();
  /** By id of a stored event, after how many commits it was there for the first time. */
  readonly storedAt = new Map<string, number>();
  commits: () => number = () => 0;
  nowMs: () => number = () => 0;
  /** What timers go by: it is never set back. */
  steadyMs: () => number = () => 0;
  graceMs = 0;
  #sent: Sent[] = [];
  readonly #waiting = new WaitingEvents();
  /** The message that is being served. */
  #current: Served | undefined;
  #departed = 0;

  constructor(isGenuine: (event: Event) => boolean) {
    this.oracle = new Oracle(isGenuine);
    this.matcher = new Matcher(this.oracle.archive);
    this.oracle.onCut = (connection, verb, id) => this.matcher.cut(connection, verb, id);
  }

  /** After a crash: what was stored by then, and nobody is connected. */
  restart(archive: Archive): void {
    this.oracle.archive = archive;
    this.matcher.archive = archive;
    this.oracle.ephemeral.clear();
    this.oracle.privateEphemeral.clear();
    this.parties.clear();
    this.storedAt.clear();
    this.#sent = [];
    this.#waiting.clear();
    this.#current = undefined;
  }

  /** Whether events wait for their OK. */
  get isWaiting(): boolean {
    return this.#waiting.first !== undefined;
  }

  setTime(nowSeconds: number): void {
    if (this.oracle.now === nowSeconds) return;
    this.flush();
    this.oracle.setTime(nowSeconds);
    this.matcher.setTime(nowSeconds);
    this.#widen();
  }

  /** The relay sends a frame, or closes a connection. */
  sent(party: Party, frame: Frame | undefined): void {
    if (frame?.at(-1) === INTERNAL) party.forget(aboutOf([frame[0] === "NEG-ERR" ? "NEG-OPEN" : "REQ", frame[1]]));
    this.#sent.push({ party, frame });
  }

  around(connection: Connection, step: () => void): void {
    const party = this.parties.get(connection.inbox);
    if (party === undefined) return this.#fail("an unknown connection is served", []);
    this.flush();
    this.stepped(party, step);
    this.flush();
  }

  taken(inbox: Inbox, text: string): void {
    const party = this.parties.get(inbox);
    const arrived = party?.arrived.shift();
    if (party === undefined || arrived?.text !== text) return this.#fail("a frame is served out of its order", [text]);
    const { frame } = arrived;
    if (arrived.isCancelled || (party.isEnded && frame[0] !== "EVENT")) return;
    const isGated = this.#open(party).authed.size === 0;
    if (isGated && frame[0] !== "AUTH") {
      if (party.isGrace(this.nowMs(), this.graceMs)) {
        party.held.push(arrived);
        return;
      }
      this.#refuseHeld(party);
    }
    if (frame[0] === "EVENT" && !isGated) this.#waiting.add({ party, frame });
    else {
      const isRepeat = !isGated && party.repeats(arrived, this.steadyMs(), this.#open(party));
      if (!isRepeat || frame[0] === "REQ") this.#current = { party, frame, isRepeat };
    }
  }

  committing(commit: () => void): void {
    // What has been sent was sent before. Where nothing has, the commit comes before the message that asks for it.
    if (this.#sent.length > 0) this.flush();
    commit();
    this.#takeAnswered();
    this.#match();
  }

  /** A frame has reached the relay: waiting, or closing ahead of what waits. */
  received(party: Party, arrived: Arrived, isQueued: boolean): void {
    if (isQueued) {
      party.arrived.push(arrived);
      return;
    }
    const about = aboutOf(arrived.frame);
    if (party.isEnded) return;
    if (!arrived.frame[0].endsWith("CLOSE")) return this.#fail("a frame is not taken", arrived.frame);
    for (const other of party.arrived) if (aboutOf(other.frame) === about) other.isCancelled = true;
    party.forget(about);
    this.oracle.receive(party.key, arrived.frame);
    this.#note();
  }

  /** A timer of the relay has run. */
  timerRan(): void {
    for (const { party } of this.#sent) if (party.held.length > 0) this.#refuseHeld(party);
    this.flush();
  }

  /** A connection is gone or was closed: nothing is expected for it any more. */
  end(party: Party, isServed: boolean): void {
    if (party.isEnded) return;
    this.matcher.drop(party.key);
    this.syncs.drop(party.key);
    const departed = --this.#departed;
    this.oracle.disconnect(party.key, departed);
    party.key = departed;
    party.isEnded = true;
    party.held = [];
    if (!isServed) party.arrived = [];
  }

  /** A frame reaches its client, when so many commits are durable: what it says must not be lost any more. */
  left([verb, subject, what]: Frame, durable: number): void {
    const id = verb === "EVENT" ? (what as Event).id : subject;
    const isStored = verb === "EVENT" || (verb === "OK" && what === true);
    const at = this.storedAt.get(id as string) ?? 0;
    if (isStored && at > durable) this.accuse(`${verb} ${id} is shown before it is durable`);
  }

  /** Judges all that was sent so far. */
  flush(): void {
    const current = this.#current;
    this.#current = undefined;
    if (current !== undefined) this.#serve(current);
    this.#takeAnswered();
    this.#match();
  }

  /** Nothing is under way any more: nothing may be missing. */
  checkComplete(): void {
    this.flush();
    this.syncs.endStep();
    if (this.isWaiting) return this.#fail("an EVENT is not answered", this.#waiting.first?.frame ?? []);
    for (const party of this.parties.values()) {
      if (party.arrived.length > 0) return this.#fail("a frame is not served", party.arrived[0]?.frame ?? []);
      if (party.errors > 0) return this.#fail("internal error is not said", []);
    }
    for (const expected of this.matcher.missing()) {
      return this.#fail(`connection ${expected.connection} is not sent all`, brief(expected) as unknown[]);
    }
  }

  #open(party: Party): { authed: Set<string>; subscriptions?: ReadonlyMap<string, unknown> } {
    return this.oracle.connections.get(party.key) ?? this.oracle.departed.get(party.key) ?? { authed: new Set() };
  }

  #refuseHeld(party: Party): void {
    party.graceUntilMs = 0;
    for (const { frame } of party.held.splice(0)) this.#serve({ party, frame });
  }

  #serve({ party, frame, isRepeat }: Served): void {
    if (party.isEnded) return;
    // R-01-09: it finds what it has sent itself.
    if (READS.includes(frame[0]) && this.#waiting.hasOf(party)) {
      this.#fail("a read is served before an event that was sent before it", frame);
    }
    if (isRepeat) return this.matcher.add({ connection: party.key, anyOf: [[["EOSE", frame[1]]]] });
    if (
      frame[0] === "AUTH" &&
      this.#sent.some(({ frame: sent }) => sent?.[1] === (frame[1] as Event).id && sent[3] === INTERNAL)
    )
      return;
    this.oracle.receive(party.key, frame);
    this.#note();
    if (this.#open(party).authed.size > 0 && party.held.length > 0) {
      party.arrived.unshift(...party.release(this.steadyMs() + this.graceMs));
    }
  }

  /** Tells the oracle of the events that have their OK, in the order in which they were served. */
  #takeAnswered(): void {
    for (const { served, text } of this.#waiting.answered(this.#sent)) {
      if (text === INTERNAL && this.hasFailed()) continue;
      const { id } = served.frame[1] as Event;
      const before = this.oracle.archive.events;
      this.oracle.receive(served.party.key, served.frame);
      const isNew = this.oracle.archive.events !== before && !this.storedAt.has(id);
      if (isNew) this.storedAt.set(id, this.commits());
      this.#note();
    }
  }

  /** Takes over what the oracle expects by now. */
  #note(): void {
    for (const expected of this.oracle.expected.splice(0)) {
      if (this.oracle.connections.has(expected.connection)) this.matcher.add(expected);
    }
    this.#widen();
  }

  #widen(): void {
    this.matcher.widen();
    this.oracle.widenSyncs();
  }

  #match(): void {
    const sent = this.#sent.splice(0);
    for (const [i, { party, frame }] of sent.entries()) {
      if (party.isEnded) continue;
      if (frame === undefined) this.#closed(party);
      else this.#matchOne(party, frame, sent[i + 1]);
    }
    for (const { party } of sent) {
      if (party.errors > 0 && !party.isEnded) this.#fail("internal error is not said", []);
    }
  }

  #matchOne(party: Party, frame: Frame, next: Sent | undefined): void {
    const [verb, id, text] = frame as [string, string, string];
    if (verb === "NOTICE" && next?.party === party && next.frame === undefined) return;
    if (frame.at(-1) === INTERNAL) return this.#failed(party, frame);
    if (verb === "NOTICE" && id === "internal error" && party.errors > 0) {
      party.errors--;
      return;
    }
    if (verb === "NEG-ERR" && text.startsWith("closed: idle")) {
      // One whose answer has not been begun, because its client did not read, is idle too.
      if (this.matcher.fail(party.key, verb, id) === "sync") {
        this.oracle.connections.get(party.key)?.syncs.delete(id);
        return;
      }
      this.oracle.endIdleSync(party.key, id);
      this.#note();
    }
    const seen = withoutExtras(this.syncs.receive(party.key, frame));
    const reason = this.matcher.receive(party.key, seen);
    if (verb === "NEG-MSG") this.oracle.settleSync(party.key, id);
    if (reason !== undefined) this.#fail(`connection ${party.key} is sent what it must not be: ${reason}`, frame);
  }

  /** The relay says that it could not do what it was asked for: it may where a statement has failed. */
  #failed(party: Party, frame: Frame): void {
    const [verb, id] = frame as [string, string];
    if (!this.hasFailed()) return this.#fail("an error is sent although nothing has failed", frame);
    party.errors++;
    this.oracle.outcomes.push(verb === "OK" ? "failed commit" : "failed read");
    if (verb === "OK") return;
    const client = this.oracle.connections.get(party.key);
    const what = this.matcher.fail(party.key, verb, id);
    if (what === undefined && client?.subscriptions.delete(id)) return this.matcher.cut(party.key, "EOSE", id);
    if (what === undefined) this.#fail("an error is sent of what is not under way", frame);
    if (what === "REQ") client?.subscriptions.delete(id);
    if (what === "sync") client?.syncs.delete(id);
  }

  #closed(party: Party): void {
    if (party.mayBeClosed === undefined) this.#fail(`connection ${party.key} is closed without a reason`, []);
    this.end(party, false);
  }

  /** The first thing that is wrong counts. What a machine does while it stops does not. */
  accuse(reason: string): void {
    if (!this.isOver()) this.wrong ??= reason;
  }

  #fail(reason: string, frame: readonly unknown[]): void {
    this.accuse(`${reason}: ${JSON.stringify(typeof frame[0] === "string" ? short(frame as Frame) : frame)}`);
  }
}
