// @ts-check

/** The commit that the parts are of: the relay on workerd, before it had a host of its own. */
export const BASE = "b35ff6b";

/**
 * What a line may come to at most: `part` is CPU time as a part of what {@link BASE} needs, `aim` the part that one would
 * like, `strfry` where that relay (C++) stands.
 * @typedef {Partial<Record<"part" | "aim" | "strfry" | "p50Ms" | "p99Ms" | "kb" | "megabytes", number>>} Bar
 */

/** @type {Record<string, Bar>} */
const LINES = {
  ingest: { part: 0.68, strfry: 0.7, megabytes: 150 },
  "REQ 10 ids": { part: 0.53, strfry: 0.53 },
  "REQ author+kind limit 100": { part: 0.6, strfry: 0.62 },
  "REQ #p limit 100": { part: 0.5, strfry: 0.54 },
  "REQ kind limit 500": { part: 0.28, strfry: 0.44 },
  "live burst": { part: 0.44, strfry: 0.45 },
  "live paced": { part: 0.43, strfry: 0.44, p50Ms: 4, p99Ms: 10 },
  "idle connection, with a subscription": { kb: 25 },
};

/** Of others while 50 of 5,000 connections flood. @type {Bar} */
const FLOODED = { p99Ms: 25 };

/** What stands in the way of a good day. */
const AIM = 0.75;

/** On workerd nothing may cost more than so much of what it cost there. */
const ON_WORKERD = 1.1;

/** By how much an operation may cost more than at any other commit before it is a regression. */
const TOLERANCE = 1.15;

/** The bar of a line. @param {string} line @returns {Bar} */
export function barOf(line) {
  const bar = LINES[line] ?? (line.startsWith("50 flood") ? FLOODED : {});
  return bar.part === undefined ? bar : { ...bar, aim: AIM * bar.part };
}

/**
 * The part that a line may cost of what it cost at another commit.
 * @param {string} line
 * @param {{ isBase: boolean, host: string }} compared whether it is {@link BASE}, and what this relay runs on
 */
export function partOf(line, { isBase, host }) {
  if (!isBase) return TOLERANCE;
  return host === "workers" ? ON_WORKERD : barOf(line).part;
}
