import type { Crypto } from "../../protocol/crypto/secp256k1.ts";
import { BAD_SIGNATURE, HashedEvent, VerifiedEvent } from "../../protocol/crypto/verify.ts";
import { parseEvent } from "../../protocol/event.ts";
import { kindClass, RELAY_KINDS } from "../../protocol/kind.ts";
import { accept, type Reason, type Result, refuse } from "../../protocol/reason.ts";
import { COST, type Meter, STEP } from "../../protocol/work.ts";
import type { PutResult } from "../../store/runs.ts";
import type { Steps } from "../../store/steps.ts";
import { MAX_EVENTS, MAX_WORK, workOf } from "./batch.ts";
import { BLOCKED, type JudgeDeps } from "./judge.ts";
import { banned } from "./policy/banned.ts";
import { expiration } from "./policy/expiration.ts";
import { neverPublished } from "./policy/never-published.ts";
import { room } from "./policy/room.ts";
import { size } from "./policy/size.ts";
import { vanish } from "./policy/vanish.ts";
import { type CommitEvents, SUPERSEDED } from "./publish.ts";
import type { Submission } from "./submission.ts";

/** Lines of one import at most. */
export const MAX_LINES = 20_000;

/** What became of the lines of an import. */
export interface Imported {
  stored: number;
  /** Stored already. */
  duplicates: number;
  /** The others, by the number of their line, from 0 on. */
  refused: [line: number, reason: Reason][];
}

export interface ImporterDeps extends JudgeDeps {
  crypto: Crypto;
  meter: Meter;
  on: CommitEvents;
}

/** An event whose id is its hash, and the line in which it came. */
interface Read {
  line: number;
  event: HashedEvent;
}

/**
 * Takes events in for an operator who restores them (R-05-78). Ids and signatures are checked, and bans, deletions and newer versions
 * count. What is asked of those who publish is not asked. Nobody is sent an imported event.
 */
export class Importer {
  readonly #deps: ImporterDeps;

  constructor(deps: ImporterDeps) {
    this.#deps = deps;
  }

  /**
   * Imports events, one in each line. A batch is one step and one transaction. Throws if the database does, once the rest of the
   * batch is settled: what is behind it is not imported.
   */
  *import(text: string): Steps<Imported> {
    const imported: Imported = { stored: 0, duplicates: 0, refused: [] };
    const { meter } = this.#deps;
    let batch: Read[] = [];
    let size = 0;
    let line = 0;
    let from = meter.spent;
    for (let start = 0; start < text.length; line++) {
      const newline = text.indexOf("\n", start);
      const end = newline < 0 ? text.length : newline;
      const content = text.slice(start, end);
      start = end + 1;
      meter.spent += COST.frame + content.length * COST.character;
      const read = this.#read(content);
      if (read?.ok) {
        batch.push({ line, event: read.value });
        size += workOf({ event: read.value });
      } else if (read !== undefined) imported.refused.push([line, read.reason]);
      const isFull = size >= MAX_WORK || batch.length >= MAX_EVENTS;
      if (!isFull && meter.spent - from < STEP) continue;
      yield;
      if (isFull) {
        this.#store(batch, imported);
        [batch, size] = [[], 0];
        yield;
      }
      from = meter.spent;
    }
    yield;
    this.#store(batch, imported);
    imported.refused.sort(([a], [b]) => a - b);
    return imported;
  }

  #read(content: string): Result<HashedEvent> | undefined {
    if (content.trim() === "") return undefined;
    let value: unknown;
    try {
      value = JSON.parse(content);
    } catch {
      return refuse("invalid: this is not JSON");
    }
    const parsed = parseEvent(value);
    return parsed.ok ? HashedEvent.check(parsed.value, this.#deps.crypto) : parsed;
  }

  /** Verifies, judges and stores a batch, in one transaction. */
  #store(batch: readonly Read[], imported: Imported): void {
    if (batch.length === 0) return;
    const { crypto, log, meter, on } = this.#deps;
    const known = log.known(batch.map(({ event: { event } }) => event));
    const fresh = batch.filter(({ event: { event } }) => !known.has(event.id));
    imported.duplicates += batch.length - fresh.length;
    meter.spent += fresh.length * COST.signature;
    const verdicts = VerifiedEvent.checkAll(
      fresh.map(({ event }) => event),
      crypto,
    );
    const verified: VerifiedEvent[] = [];
    const lines: number[] = [];
    for (const [i, { line }] of fresh.entries()) {
      const one = verdicts[i];
      const refusal = one === undefined ? BAD_SIGNATURE : this.#refuse(one);
      if (one !== undefined && refusal === undefined) {
        verified.push(one);
        lines.push(line);
      } else imported.refused.push([line, refusal as Reason]);
    }
    if (verified.length === 0) return;
    const results = log.append(verified);
    for (const [i, result] of results.entries()) {
      const refusal = this.#settle(verified[i] as VerifiedEvent, result, imported);
      if (refusal !== undefined) imported.refused.push([lines[i] as number, refusal]);
    }
    on.committed();
    // The others of the batch are committed.
    for (const result of results) if (result.outcome === "failed") throw result.error;
  }

  #settle({ event }: VerifiedEvent, result: PutResult, imported: Imported): Reason | undefined {
    switch (result.outcome) {
      case "stored":
        imported.stored++;
        this.#deps.on.stored(event);
        return undefined;
      case "duplicate":
      case "obeyed":
        imported.duplicates++;
        return undefined;
      case "superseded":
        return SUPERSEDED;
      case "deleted":
      case "vanished":
        return BLOCKED[result.outcome];
      case "failed":
        // It is thrown behind the others.
        return undefined;
    }
  }

  /** Why an event is not taken even from an operator. */
  #refuse(verified: VerifiedEvent): Reason | undefined {
    const { config, access, log, host } = this.#deps;
    const { event, tags } = verified;
    if (kindClass(event.kind) === "ephemeral") return EPHEMERAL;
    // Its author handed it in once, here or where this relay was before.
    const authed = new Set([event.pubkey]);
    const isFull = !log.hasRoomFor(verified);
    const find = () => undefined;
    const submission: Submission = { event, tags, now: host.clock.nowSeconds(), config, access, authed, isFull, find };
    const isOwn = RELAY_KINDS.has(event.kind) && event.pubkey === access.lists.get("signing", "self");
    return (
      (isOwn ? undefined : neverPublished(submission)) ??
      size(submission) ??
      expiration(submission) ??
      banned(submission) ??
      vanish(submission) ??
      room(submission)
    );
  }
}

const EPHEMERAL: Reason = "invalid: an ephemeral event is not stored";

/** The lines of an import, or why they are too many. */
export function linesOf(text: string): Result<string> {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines > MAX_LINES ? refuse(`invalid: more than ${MAX_LINES} lines`) : accept(text);
}
