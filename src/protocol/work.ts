/**
 * The one currency of work: a unit is about a microsecond of one core. Clocks stand still during a turn on Workers, so work is
 * counted where it is done, by its size. `bench/work.mjs` measures these numbers.
 */
export class Meter {
  /** Units so far. */
  spent = 0;
  /** Those of them that had been charged before, to others than whoever they were done for now. */
  prepaid = 0;
}

/** What things cost, in units. */
export const COST = {
  /** Receiving a frame, whatever becomes of it. */
  frame: 4,
  /** Serving it, besides what it asks for. */
  served: 5,
  /** Finding that a frame is not JSON. */
  malformed: 5,
  /** A character of a frame that is parsed, checked and hashed. */
  character: 0.02,
  /** Checking one signature in a batch, and one by itself. */
  signature: 35,
  loneSignature: 55,
  /** Running one SQL statement. */
  statement: 8,
  /** Going to a place of an index, once more in one statement. */
  seek: 3,
  /** A row that a statement gives back. */
  row: 1,
  /** A character that a statement gives back. */
  rowCharacter: 0.002,
  /** An index entry that a statement walks over without giving it back. */
  entry: 0.15,
  /** The same, where the row of the event behind it is looked at. */
  look: 1.5,
  /** A row of a table or index that is written. */
  write: 5,
  /** A row that is brought into order with those of other ranges. */
  merge: 0.5,
  /** A record of a sync that is read, kept and summed. */
  record: 1,
  /** A record of a sync that is sorted and summed. */
  sum: 0.2,
  /** A range of a sync, and a fingerprint that is made for one. */
  range: 0.4,
  fingerprint: 8,
  /** A byte of an answer of a sync that is made text and sent. */
  hexByte: 0.015,
  /** Holding an event against one filter. */
  match: 0.3,
  /** A value of a filter that is parsed, kept and filed. */
  value: 0.5,
  /** Sending a frame. */
  send: 2,
  /** A character of a frame that is sent. */
  sendCharacter: 0.002,
  /** A character of a stored event that is parsed. */
  parsed: 0.005,
  /** Comparing two words. */
  compare: 0.005,
  /** Merging a page of the index of words. */
  merged: 2000,
  /** A word of an event that is indexed. */
  indexed: 0.6,
  /** A character of ASCII text that is split into words. */
  plainCharacter: 0.025,
  /** A character of other text that is. */
  searchCharacter: 0.1,
} as const;

/** Work of one step at most: after so much a task yields. */
export const STEP = 2000;
