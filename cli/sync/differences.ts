import { bytesToHex } from "@noble/hashes/utils.js";
import {
  type Bound,
  compareBounds,
  END,
  FINGERPRINT_BYTES,
  ID_BYTES,
  Mode,
  type Range,
  START,
  VERSION,
} from "../../src/protocol/negentropy/codec.ts";
import { RangeReader } from "../../src/protocol/negentropy/reader.ts";
import { MessageWriter } from "../../src/protocol/negentropy/writer.ts";
import { Failure } from "../failure.ts";

/** One set of events that answers the messages of NIP-77. */
export interface Responder {
  /** Bytes of one message to it at most. */
  readonly maxMessage: number;
  ask(message: Uint8Array): Promise<Uint8Array>;
}

/** Ids as lowercase hex: those that only the first set has, and those that only the second has. */
export type Differences = [onlyFirst: string[], onlySecond: string[]];

/** A range about which a set is asked. */
interface Question {
  lower: Bound;
  upper: Bound;
  /** What the other set has there: its fingerprint, or those of its ids that this set has not named yet. */
  other: Uint8Array | Set<string>;
  /** How often it was divided. */
  depth: number;
}

interface Part extends Range {
  lower: Bound;
}

/** Questions of one message at most: each may be answered with a thousand bytes. */
const MAX_QUESTIONS = 1000;

/** Divisions at most, far more than any set needs: a set that answers nonsense comes to an end. */
const MAX_DEPTH = 64;

/** Bytes of a message kept for the last range. */
const RESERVE = 150;

/** A fingerprint that no set has: whoever is asked tells what it has. */
const UNKNOWN = new Uint8Array(FINGERPRINT_BYTES);

/**
 * Compares two sets, neither of which is here, by handing what one answers to the other: as if each had begun the sync
 * (NIP-77). Both only ever answer, so it is compared here which ids each has where both list them. It needs memory for
 * the ranges in which they differ. Yields after each round that finds something, and asks on when it is resumed.
 */
export async function* differences(sets: readonly [Responder, Responder]): AsyncGenerator<Differences> {
  const waiting: [Question[], Question[]] = [[{ lower: START, upper: END, other: UNKNOWN, depth: 0 }], []];
  while (waiting[0].length + waiting[1].length > 0) {
    const found: Differences = [[], []];
    const rounds = ([0, 1] as const).map(async (side) => {
      if (waiting[side].length === 0) return;
      const { message, asked } = take(waiting[side], sets[side].maxMessage);
      const answer = await sets[side].ask(message);
      return { side, asked, parts: partsOf(answer) };
    });
    for (const round of await Promise.all(rounds)) {
      if (round === undefined) continue;
      const { side, asked, parts } = round;
      const other = side === 0 ? 1 : 0;
      const result = digest(asked, parts);
      waiting[side].push(...result.again);
      waiting[other].push(...result.forOther);
      found[side].push(...result.onlyHere);
      found[other].push(...result.onlyThere);
    }
    if (found[0].length + found[1].length > 0) yield found;
  }
}

/** Takes the lowest questions, as many as fit one message. */
function take(questions: Question[], maxBytes: number): { message: Uint8Array; asked: Question[] } {
  questions.sort((a, b) => compareBounds(a.lower, b.lower));
  const out = new MessageWriter();
  let end = START;
  let count = 0;
  for (const { lower, upper, other } of questions) {
    if (count === MAX_QUESTIONS || (count > 0 && out.length > maxBytes - RESERVE)) break;
    if (compareBounds(lower, end) > 0) out.skip(lower);
    if (other instanceof Set) out.idList(upper, new Uint8Array(0));
    else out.fingerprint(upper, other);
    end = upper;
    count++;
  }
  return { message: out.finish(), asked: questions.splice(0, count) };
}

function partsOf(message: Uint8Array): Part[] {
  if (message[0] !== VERSION) throw new Failure("the relay speaks another version of the sync (NIP-77)");
  const reader = new RangeReader(message);
  const parts: Part[] = [];
  let lower = START;
  for (let range = reader.next(); range !== undefined; range = reader.next()) {
    parts.push({ ...range, lower });
    lower = range.bound;
  }
  if (reader.fault !== undefined) throw new Failure(`the relay's sync is faulty: ${reader.fault}`);
  return parts;
}

/** What an answer of one set teaches, and what is to be asked next: of this set again, and of the other one. */
function digest(asked: readonly Question[], parts: Part[]) {
  const again: Question[] = [];
  const forOther: Question[] = [];
  const onlyHere: string[] = [];
  const onlyThere: string[] = [];
  const cut = cutOf(asked, parts);
  const told = parts.filter(({ mode }) => mode !== Mode.Skip);
  for (const question of asked) {
    const { lower, upper, other } = question;
    const depth = question.depth + 1;
    if (depth > MAX_DEPTH) throw new Failure("the relay's sync comes to no end");
    if (cut !== undefined && compareBounds(lower, cut) >= 0) {
      // The first question of a message always has room for its answer.
      again.push(question === asked[0] ? { ...question, depth } : question);
      continue;
    }
    while (told[0] !== undefined && compareBounds(told[0].bound, upper) <= 0) {
      const { mode, payload, lower: from, bound } = told.shift() as Part;
      if (compareBounds(from, lower) < 0) throw new Failure("the relay's sync answers what it was not asked");
      const isList = mode === Mode.IdList;
      if (!(other instanceof Set)) {
        forOther.push({ lower: from, upper: bound, other: isList ? new Set(idsOf(payload)) : payload, depth });
      } else if (isList) {
        for (const id of idsOf(payload)) if (!other.delete(id)) onlyHere.push(id);
      } else throw new Failure("the relay's sync answers a list with none");
    }
    if (cut !== undefined && compareBounds(cut, upper) < 0) {
      again.push({ lower: cut, upper, other: other instanceof Set ? other : UNKNOWN, depth: 0 });
    } else if (other instanceof Set) onlyThere.push(...other);
  }
  if (told.length > 0) throw new Failure("the relay's sync answers what it was not asked");
  return { again, forOther, onlyHere, onlyThere };
}

/**
 * Where an answer was cut for its length: there it ends with one fingerprint up to infinity (R-05-50). It is taken out,
 * as what was not answered is asked again. A set that divides the last range ends there too, but not with one part.
 */
function cutOf(asked: readonly Question[], parts: Part[]): Bound | undefined {
  const rest = parts.at(-1);
  const last = asked.at(-1);
  if (rest?.mode !== Mode.Fingerprint || rest.bound.timestamp !== END.timestamp || last === undefined) return undefined;
  const isInLast = last.upper.timestamp === END.timestamp && compareBounds(rest.lower, last.lower) > 0;
  if (isInLast && !(last.other instanceof Set)) return undefined;
  parts.pop();
  return rest.lower;
}

function idsOf(list: Uint8Array): string[] {
  const ids: string[] = [];
  for (let at = 0; at < list.length; at += ID_BYTES) ids.push(bytesToHex(list.subarray(at, at + ID_BYTES)));
  return ids;
}
