// @ts-check
import { barOf, partOf } from "./bars.mjs";

/** @typedef {import("./measure.mjs").Figures} Figures */
/** @typedef {Record<string, Figures>} Results */
/** What has been measured: this relay, the other commit, the floor. @typedef {{ relay: Results, before: Results, floor: Results }} Measured */
/** @typedef {{ isBase: boolean, host: string }} Compared */

/** Lines cheaper than this are within the clock's ticks. */
const MIN_MICROS = 1;

/** The median of each figure of each line. @param {readonly Results[]} runs @returns {Results} */
export function median(runs) {
  /** @type {Record<string, Record<string, number[]>>} */
  const all = {};
  for (const run of runs) {
    for (const [line, figures] of Object.entries(run)) {
      all[line] ??= {};
      for (const [name, value] of Object.entries(figures)) {
        const known = /** @type {Record<string, number[]>} */ (all[line]);
        known[name] ??= [];
        known[name].push(value);
      }
    }
  }
  const middle = (/** @type {number[]} */ values) => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  return Object.fromEntries(
    Object.entries(all).map(([line, figures]) => [
      line,
      Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, round(middle(values))])),
    ]),
  );
}

/** Three digits that count. @param {number} value */
function round(value) {
  return Number(value.toPrecision(3));
}

/** What costs too much, a sentence each. @param {Measured} measured @param {Compared} compared */
export function misses({ relay, before }, compared) {
  return Object.entries(relay).flatMap(([line, figures]) => {
    const bar = barOf(line);
    const part = ratio(figures.cpuMicros, before[line]?.cpuMicros);
    const allowed = partOf(line, compared);
    const wrong = [];
    if (part !== undefined && allowed !== undefined && part > allowed) wrong.push(`part ${part} is above ${allowed}`);
    // The other bars are those of a machine of one's own.
    if (compared.host === "node") {
      for (const name of /** @type {const} */ (["p50Ms", "p99Ms", "kb", "megabytes"])) {
        const [value, most] = [figures[name], bar[name]];
        if (value !== undefined && most !== undefined && value > most) wrong.push(`${name} ${value} is above ${most}`);
      }
    }
    return wrong.map((text) => `${line}: ${text}.`);
  });
}

/** @param {number | undefined} now @param {number | undefined} then */
function ratio(now, then) {
  if (now === undefined || then === undefined || Math.max(now, then) < MIN_MICROS) return undefined;
  return round(now / then);
}

/** @type {[title: string, figure: (line: string, measured: Measured) => number | undefined][]} */
const COLUMNS = [
  ["per second", (line, { relay }) => relay[line]?.perSecond],
  ["CPU µs", (line, { relay }) => relay[line]?.cpuMicros],
  ["was", (line, { before }) => before[line]?.cpuMicros],
  ["part", (line, { relay, before }) => ratio(relay[line]?.cpuMicros, before[line]?.cpuMicros)],
  ["bar", (line, { before }) => (before[line] ? barOf(line).part : undefined)],
  ["aim", (line, { before }) => (before[line] ? barOf(line).aim : undefined)],
  ["strfry", (line, { before }) => (before[line] ? barOf(line).strfry : undefined)],
  ["floor µs", (line, { floor }) => floor[line]?.cpuMicros],
  ["floor part", (line, { floor, before }) => ratio(floor[line]?.cpuMicros, before[line]?.cpuMicros)],
  [
    "above floor",
    (line, { floor, relay }) => {
      const [own, least] = [relay[line]?.cpuMicros, floor[line]?.cpuMicros];
      return own === undefined || least === undefined ? undefined : round(own - least);
    },
  ],
  ["p50 ms", (line, { relay }) => relay[line]?.p50Ms],
  ["p99 ms", (line, { relay }) => relay[line]?.p99Ms],
  ["was p50", (line, { before }) => before[line]?.p50Ms],
  ["was p99", (line, { before }) => before[line]?.p99Ms],
  ["floor p50", (line, { floor }) => floor[line]?.p50Ms],
  ["floor p99", (line, { floor }) => floor[line]?.p99Ms],
  ["events", (line, { relay }) => relay[line]?.returned],
  ["kB each", (line, { relay }) => relay[line]?.kb],
  ["was kB", (line, { before }) => before[line]?.kb],
  ["floor kB", (line, { floor }) => floor[line]?.kb],
  ["MB", (line, { relay }) => relay[line]?.megabytes],
  ["was MB", (line, { before }) => before[line]?.megabytes],
];

/** The figures for a person to read. @param {Measured} measured */
export function table(measured) {
  const lines = Object.keys(measured.relay);
  const show = (/** @type {number | undefined} */ value) =>
    value === undefined || Number.isNaN(value) ? "" : String(round(value));
  const columns = COLUMNS.map(([title, figure]) => [
    title,
    ...lines.map((line) => show(figure(line, measured))),
  ]).filter((column) => column.slice(1).some((cell) => cell !== ""));
  const all = [["", ...lines], ...columns];
  const padded = all.map((column, i) => {
    const width = Math.max(...column.map(({ length }) => length));
    return column.map((cell) => (i === 0 ? cell.padEnd(width) : cell.padStart(width)));
  });
  return ["", ...lines].map((_, row) => padded.map((column) => column[row]).join("  ")).join("\n");
}
