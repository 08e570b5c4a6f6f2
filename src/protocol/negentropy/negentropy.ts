import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { Reason } from "../reason.ts";
import { COST, Meter, STEP } from "../work.ts";
import { type Bound, END, ID_BYTES, Mode, type Range, START, VERSION } from "./codec.ts";
import { RangeReader } from "./reader.ts";
import type { Records } from "./records.ts";
import { MessageWriter } from "./writer.ts";

/** Smallest frame limit, in bytes of the message; its hex text is twice as long (R-05-50). */
export const MIN_FRAME_LIMIT = 4096;
/** Bytes of the frame limit kept for the last range and the one that closes the message. */
const RESERVE = 200;
/** A range of fewer than twice as many records is sent as a list of ids, others as so many fingerprints (R-05-49). */
const BUCKETS = 16;

const DIGITS = new TextEncoder().encode("0123456789abcdef");
const LATIN = new TextDecoder("latin1");

/** Why a message was refused. Its session is at an end. */
export interface Fault {
  error: Reason;
}

/**
 * What one answer of the other side has taught the initiator: ids as lowercase hex. An id may come again in a later
 * round, as an answer cut at the other side's limit covers what was settled behind the cut: keep them in a Set.
 */
export interface Learned {
  /** Held here, and not there. */
  have: string[];
  /** Held there, and not here. */
  need: string[];
}

/** What comes of one answer of the other side. Without `reply`, the sync is complete. */
export interface Reconciled extends Learned {
  reply: Uint8Array | undefined;
}

/** A message from its hex text, of either case; undefined if it is not hex or of odd length (R-05-41). */
export function messageFromHex(hex: unknown): Uint8Array | undefined {
  if (typeof hex !== "string" || hex.length % 2 !== 0 || /[^0-9a-fA-F]/.test(hex)) return undefined;
  return hexToBytes(hex);
}

/** A message, or a part of it, as lowercase hex text (R-05-41). Its text is one piece: half a million joined ones take 60 ms. */
export function messageToHex(message: Uint8Array): string {
  const digits = new Uint8Array(2 * message.length);
  for (let i = 0; i < message.length; i++) {
    const byte = message[i] as number;
    digits[2 * i] = DIGITS[byte >> 4] as number;
    digits[2 * i + 1] = DIGITS[byte & 15] as number;
  }
  return LATIN.decode(digits);
}

/**
 * The relay's answer to a message (R-05-48): at most `frameLimit` bytes. A version that is not spoken here is
 * answered with the version that is. The work is bounded by the bytes of the message and of the answer.
 */
export function respond(records: Records, message: Uint8Array, frameLimit: number): Uint8Array | Fault {
  return finished(responding(records, message, frameLimit, new Meter()));
}

/** All of `respond`, charged to `meter`, in steps of {@link STEP} units: the caller may pause at each yield. */
export function* responding(
  records: Records,
  message: Uint8Array,
  frameLimit: number,
  meter: Meter,
): Generator<void, Uint8Array | Fault> {
  const version = message[0];
  if (version === undefined) return { error: "invalid: negentropy: message is empty" };
  if (version >> 4 !== VERSION >> 4) return { error: "invalid: negentropy: not a version byte" };
  if (version !== VERSION) return Uint8Array.of(VERSION);
  return yield* answering(records, message, frameLimit, meter);
}

/** The first message of a sync, by the side that will learn the differences: less than 1000 bytes. */
export function initiate(records: Records): Uint8Array {
  const out = new MessageWriter();
  split(records, 0, records.size, END, out);
  return out.finish();
}

/**
 * The initiator's next message, of at most `frameLimit` bytes, and what it learned from the relay's `message`.
 * How many rounds a relay may take is the caller's to limit.
 */
export function reconcile(records: Records, message: Uint8Array, frameLimit: number): Reconciled | Fault {
  if (message[0] !== VERSION) return { error: "invalid: negentropy: version is not 1" };
  const learned: Learned = { have: [], need: [] };
  const reply = finished(answering(records, message, frameLimit, new Meter(), learned));
  if ("error" in reply) return reply;
  return { ...learned, reply: reply.length > 1 ? reply : undefined };
}

/** Answers range by range (R-05-48). The initiator gives `learned` and takes lists of ids in; a relay does not. */
function* answering(
  records: Records,
  message: Uint8Array,
  frameLimit: number,
  meter: Meter,
  learned?: Learned,
): Generator<void, Uint8Array | Fault> {
  if (frameLimit < MIN_FRAME_LIMIT) throw new RangeError(`a frame limit is at least ${MIN_FRAME_LIMIT} bytes`);
  const limit = frameLimit - RESERVE;
  const ranges = new RangeReader(message);
  const out = new MessageWriter();
  let lower = 0;
  let previous = START;
  let pendingSkip = false;
  let isFull = false;
  let from = meter.spent;
  for (let range = ranges.next(); range !== undefined; range = ranges.next()) {
    if (meter.spent - from >= STEP) {
      yield;
      from = meter.spent;
    }
    meter.spent += COST.range;
    // What no longer fits an answer is still read for its faults.
    if (isFull) continue;
    if (range.mode === Mode.Fingerprint) meter.spent += COST.fingerprint;
    const upper = records.lowerBound(lower, range.bound);
    if (isSettled(records, lower, upper, range, learned)) {
      pendingSkip = true;
    } else {
      if (pendingSkip) out.skip(previous);
      pendingSkip = false;
      if (range.mode === Mode.Fingerprint) meter.spent += BUCKETS * COST.fingerprint;
      const tell = range.mode === Mode.IdList ? tellIds : tellParts;
      const untold = tell(records, lower, upper, range.bound, out, limit);
      if (untold !== undefined) {
        out.fingerprint(END, records.fingerprint(untold, records.size));
        isFull = true;
      }
    }
    lower = upper;
    previous = range.bound;
  }
  return ranges.fault === undefined ? out.finish() : { error: ranges.fault };
}

/** Runs to its end what could be done in stretches. */
function finished<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Whether nothing is to be said of a range, which holds the own records [lower, upper). */
function isSettled(records: Records, lower: number, upper: number, range: Range, learned?: Learned): boolean {
  switch (range.mode) {
    case Mode.Skip:
      return true;
    case Mode.Fingerprint: {
      const own = records.fingerprint(lower, upper);
      return own.every((byte, i) => byte === range.payload[i]);
    }
    case Mode.IdList:
      if (learned !== undefined) learn(records, lower, upper, range.payload, learned);
      return learned !== undefined;
  }
}

/** Compares the own records [lower, upper) with the other side's list for the same range. */
function learn(records: Records, lower: number, upper: number, list: Uint8Array, learned: Learned): void {
  const theirs = new Set<string>();
  for (let i = 0; i < list.length; i += ID_BYTES) theirs.add(bytesToHex(list.subarray(i, i + ID_BYTES)));
  for (let i = lower; i < upper; i++) {
    const id = records.idHex(i);
    if (!theirs.delete(id)) learned.have.push(id);
  }
  for (const id of theirs) learned.need.push(id);
}

/** Lists [lower, upper) as far as there is room (R-05-50); returns the first record not told of when there is none. */
function tellIds(
  records: Records,
  lower: number,
  upper: number,
  bound: Bound,
  out: MessageWriter,
  limit: number,
): number | undefined {
  // The id that crosses the limit is still sent: the reserve holds it, and the message is known to be full.
  const count = Math.max(0, Math.floor((limit - out.length) / ID_BYTES) + 1);
  const end = Math.min(upper, lower + count);
  out.idList(end < upper ? records.exactBound(end) : bound, records.ids(lower, end));
  return out.length > limit ? end : undefined;
}

/** Splits [lower, upper) if there is room; returns the first record not told of, which is `lower`, if there is none. */
function tellParts(
  records: Records,
  lower: number,
  upper: number,
  bound: Bound,
  out: MessageWriter,
  limit: number,
): number | undefined {
  const mark = out.mark();
  split(records, lower, upper, bound, out);
  if (out.length <= limit) return undefined;
  out.rewind(mark);
  return lower;
}

/** Tells of [lower, upper), up to `bound`: few records by their ids, many by 16 fingerprints (R-05-49). */
function split(records: Records, lower: number, upper: number, bound: Bound, out: MessageWriter): void {
  const size = upper - lower;
  if (size < 2 * BUCKETS) return out.idList(bound, records.ids(lower, upper));
  let start = lower;
  for (let i = 0; i < BUCKETS; i++) {
    const end = start + Math.floor(size / BUCKETS) + (i < size % BUCKETS ? 1 : 0);
    out.fingerprint(end < upper ? records.minimalBound(end) : bound, records.fingerprint(start, end));
    start = end;
  }
}
