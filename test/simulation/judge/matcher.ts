import type { Event } from "nostr-tools/pure";
import type { Frame } from "../../support/client.ts";
import type { Archive } from "../../support/model/archive.ts";
import { type Expected, isFrame, subjectOf } from "../../support/model/expected.ts";
import { isCurrent, isExpired } from "../../support/model/naive-features.ts";
import type { Sync } from "../../support/model/oracle-state.ts";
import { idsOf } from "../../support/model/oracle-syncs.ts";

/** A COUNT that is disturbed so often may be approximate (R-05-34). */
const DISTURBANCES = 3;

/** Something that is expected, and how much of it has come. */
interface Unit extends Expected {
  /** Forms that what has come so far fits. */
  left: Frame[][];
  taken: number;
  /** Ids of stored events that have come. */
  sent: Set<string>;
  /** How many losses the archive had seen when it was expected. */
  losses: number;
  isOptional: boolean;
  /** The latest that it has been since, in seconds: clocks may be set back. */
  latest: number;
}

/** Holds what is sent against what is expected: each frame when it is sent, in the order of its subject. */
export class Matcher {
  readonly #queues = new Map<number, Map<string, Unit[]>>();
  /** Of the moment. */
  archive: Archive;
  #now = 0;

  constructor(archive: Archive) {
    this.archive = archive;
  }

  setTime(now: number): void {
    this.#now = now;
    for (const unit of this.#units()) unit.latest = Math.max(unit.latest, now);
  }

  add(expected: Expected): void {
    const subject = subjectOf(expected.anyOf[0]?.[0] ?? ["nothing"]);
    const own = this.#queues.get(expected.connection) ?? new Map<string, Unit[]>();
    this.#queues.set(expected.connection, own);
    const progress = { left: expected.anyOf, taken: 0, sent: new Set<string>(), isOptional: false };
    const unit = { ...expected, ...progress, losses: this.archive.losses.length, latest: this.#now };
    own.set(subject, [...(own.get(subject) ?? []), unit]);
  }

  /** Takes a frame; the reason if it is not what is expected. */
  receive(connection: number, frame: Frame): string | undefined {
    const subject = subjectOf(frame);
    const queue = this.#queues.get(connection)?.get(subject) ?? [];
    while (queue[0]?.isOptional && !isFrame(queue[0].anyOf[0]?.[0], frame)) queue.shift();
    const unit = queue[0];
    if (unit === undefined) return "nothing is expected of this subject";
    const result = unit.stored === undefined ? this.#receiveForm(unit, frame) : this.#receiveStored(unit, frame);
    if (typeof result === "string") return result;
    if (result) {
      queue.shift();
      if (frame[0] === "EOSE") this.#settleBacklog(queue);
    }
    return undefined;
  }

  /** Answers under way whose number may have changed. */
  widen(): void {
    for (const unit of this.#units()) {
      if (unit.again === undefined) continue;
      for (const frame of unit.again()) {
        if (!unit.left.some(([known]) => isFrame(known, frame))) unit.left = [...unit.left, [frame]];
      }
    }
  }

  /** Nothing more is expected of a subscription or a sync. */
  cut(connection: number, verb: "EOSE" | "NEG-MSG", id: string): void {
    const own = this.#queues.get(connection);
    const subject = subjectOf([verb, id]);
    const verbs: unknown[] = verb === "EOSE" ? ["EOSE", "EVENT"] : ["NEG-MSG", "NEG-ERR"];
    const queue = own?.get(subject)?.filter(({ anyOf }) => !verbs.includes(anyOf[0]?.at(-1)?.[0]));
    if (queue !== undefined) own?.set(subject, queue);
  }

  /** What was asked for has failed: the read of this id that is under way; whether it was that of a REQ. */
  fail(connection: number, verb: string, id: string): "REQ" | "COUNT" | "sync" | undefined {
    const own = this.#queues.get(connection);
    const drop = (subject: string, isIt: (unit: Unit) => boolean): boolean => {
      const queue = own?.get(subject);
      if (queue?.[0] === undefined || !isIt(queue[0])) return false;
      own?.delete(subject);
      return true;
    };
    if (verb === "NEG-ERR") return drop(`sync ${id}`, () => true) ? "sync" : undefined;
    if (drop(`COUNT ${id}`, ({ again }) => again !== undefined)) return "COUNT";
    return drop(`subscription ${id}`, ({ stored }) => stored !== undefined) ? "REQ" : undefined;
  }

  /** A connection is gone. */
  drop(connection: number): void {
    this.#queues.delete(connection);
  }

  /** Whether the stored answer of a subscription is still under way. */
  isAnswering(connection: number, id: string): boolean {
    const queue = this.#queues.get(connection)?.get(`subscription ${id}`) ?? [];
    return queue.some(({ stored }) => stored !== undefined);
  }

  /** What is still expected and must come. */
  *missing(): Iterable<Expected> {
    for (const unit of this.#units()) if (!unit.isOptional) yield unit;
  }

  *#units(): Iterable<Unit> {
    for (const own of this.#queues.values()) for (const queue of own.values()) yield* queue;
  }

  /** True if the frame completes what is expected. */
  #receiveForm(unit: Unit, frame: Frame): boolean | string {
    if (unit.sync !== undefined && frame[2] === "done") return this.#receiveSync(unit, frame);
    const isDisturbed = this.archive.losses.length - unit.losses >= DISTURBANCES;
    if (unit.again !== undefined && isDisturbed && isApproximate(frame)) return true;
    unit.left = unit.left.filter((form) => isFrame(form[unit.taken], frame));
    if (unit.left.length === 0) return "something else is expected";
    unit.taken++;
    return unit.left.some((form) => form.length === unit.taken);
  }

  #receiveSync({ sync }: Unit, [, , , ids]: Frame): boolean | string {
    const got = new Set(ids as string[]);
    const { must, may } = idsOf(sync as Sync);
    for (const id of must) if (!got.has(id)) return `the sync leaves out ${id}`;
    for (const id of got) if (!may.has(id)) return `the sync has ${id}`;
    return true;
  }

  #receiveStored(unit: Unit, frame: Frame): boolean | string {
    const { stored } = unit;
    if (stored === undefined) return "nothing stored is expected";
    const gone = this.#goneOf(unit, stored.all);
    if (gone.size === 0) {
      const result = this.#receiveForm(unit, frame);
      if (result === false) unit.sent.add((frame[2] as Event).id);
      return result;
    }
    if (frame[0] === "EVENT") {
      const { id } = frame[2] as Event;
      const at = stored.all.findIndex((event) => event.id === id);
      const wanted = stored.all[at];
      if (wanted === undefined || !isFrame(["EVENT", frame[1], wanted], frame)) return "it is not a stored match";
      const isLater = stored.all.findLastIndex((event) => unit.sent.has(event.id)) < at;
      if (!isLater) return "it comes twice or out of order";
      if (gone.get(id) === "removed") return "it has been removed";
      unit.sent.add(id);
      return false;
    }
    if (frame[0] !== "EOSE") return "the end of stored events is expected";
    const missing = stored.chosen.find(({ id }) => !unit.sent.has(id) && !gone.has(id));
    return missing === undefined ? true : `the stored event ${missing.id} is missing`;
  }

  /** Those of these events that are not stored any more, or whose time is over, since the answer was begun. */
  #goneOf(unit: Unit, events: readonly Event[]): Map<string, "replaced" | "removed"> {
    const gone = new Map<string, "replaced" | "removed">();
    const ids = new Set(events.map(({ id }) => id));
    for (const { id, isReplaced } of this.archive.losses.slice(unit.losses)) {
      if (ids.has(id)) gone.set(id, isReplaced ? "replaced" : "removed");
    }
    for (const event of events) {
      if (gone.get(event.id) === "removed" || isCurrent(event, unit.latest)) continue;
      // What passes its retention meanwhile may still be shown: R-07-01 allows an hour.
      gone.set(event.id, isExpired(event, this.#now) ? "removed" : "replaced");
    }
    return gone;
  }

  /** EOSE has been sent: of what came live before, what is gone by now must not follow. */
  #settleBacklog(queue: Unit[]): void {
    let at = 0;
    for (; queue[at]?.live !== undefined; ) {
      const unit = queue[at] as Unit;
      const { event, isStored } = unit.live as { event: Event; isStored: boolean };
      const gone = this.#goneOf(unit, [event]).get(event.id);
      const isBlocked = this.archive.blockOf(event) !== undefined;
      if (gone === "removed" || (isBlocked && !isStored)) queue.splice(at, 1);
      else {
        // Of what was replaced, whoever was there before gets every version; not what was deleted after it, or is over.
        unit.isOptional = gone === "replaced" && (isBlocked || !isCurrent(event, unit.latest));
        at++;
      }
    }
  }
}

function isApproximate([verb, , answer]: Frame): boolean {
  return verb === "COUNT" && (answer as { approximate?: boolean }).approximate === true;
}
