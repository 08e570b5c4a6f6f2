// @ts-check

/** @typedef {import("./measure.mjs").Figures} Figures */
/** @typedef {Record<string, Figures>} Results */

/** By how much an operation may cost more before it is a regression. */
const TOLERANCE = 0.15;

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

/** What costs more CPU time than before, a sentence each. @param {Results} before @param {Results} after */
export function compare(before, after) {
  return Object.entries(after).flatMap(([line, { cpuMicros }]) => {
    const old = before[line]?.cpuMicros;
    if (old === undefined || cpuMicros === undefined || Math.max(old, cpuMicros) < MIN_MICROS) return [];
    const ratio = cpuMicros / old - 1;
    return ratio > TOLERANCE
      ? [`${line} costs ${(100 * ratio).toFixed(0)} % more: ${cpuMicros} µs, was ${old} µs.`]
      : [];
  });
}

/** @type {[title: string, figure: keyof Figures][]} */
const COLUMNS = [
  ["per second", "perSecond"],
  ["CPU µs", "cpuMicros"],
  ["p50 ms", "p50Ms"],
  ["p99 ms", "p99Ms"],
  ["events", "returned"],
  ["kB each", "kb"],
  ["MB", "megabytes"],
];

/**
 * The figures for a person to read; beside them what the floor and the other commit cost.
 * @param {Results} relay
 * @param {Results} floor
 * @param {Results} before
 */
export function table(relay, floor, before) {
  /** @type {(readonly [title: string, results: Results, figure: keyof Figures])[]} */
  const all = [
    ["floor µs", floor, "cpuMicros"],
    ["p50", floor, "p50Ms"],
    ["p99", floor, "p99Ms"],
    ["kB", floor, "kb"],
    ["was µs", before, "cpuMicros"],
  ];
  const extra = all.filter(([, results, figure]) => Object.values(results).some((figures) => figure in figures));
  const heads = ["", ...COLUMNS.map(([title]) => title), ...extra.map(([title]) => title)];
  const rows = Object.entries(relay).map(([line, figures]) => [
    line,
    ...COLUMNS.map(([, name]) => String(figures[name] ?? "")),
    ...extra.map(([, results, figure]) => String(results[line]?.[figure] ?? "")),
  ]);
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const show = (/** @type {string[]} */ row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
  return [heads, ...rows].map(show).join("\n");
}
