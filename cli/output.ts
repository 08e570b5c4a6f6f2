import Table from "cli-table3";

/** Characters of one cell at most. */
const MAX_CELL = 90;

/** Prints what a command found: for programs one JSON value, for people a text. */
export function show(json: boolean | undefined, value: unknown, text: string): void {
  console.log(json ? JSON.stringify(value) : text);
}

/** Prints rows: for programs a JSON array, for people a table of the named columns. */
export function showRows(json: boolean | undefined, rows: readonly object[], columns: readonly string[]): void {
  show(json, rows, rows.length === 0 ? "none" : tableOf(rows, columns));
}

/** Rows as a table of the named columns. */
export function tableOf(rows: readonly object[], columns: readonly string[]): string {
  const head = columns.map((column) => column.replaceAll("_", " "));
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push(columns.map((column) => cell((row as Record<string, unknown>)[column], column)));
  return table.toString();
}

/** The members of an object, one on each line. */
export function membersOf(value: object): string {
  const entries = Object.entries(value);
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  return entries
    .map(([name, member]) => `${name.padEnd(width)}  ${cell(member, name, Number.POSITIVE_INFINITY)}`)
    .join("\n");
}

function cell(value: unknown, column: string, max = MAX_CELL): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number" && (column.endsWith("_at") || column === "at")) return timeOf(value);
  if (Array.isArray(value) && value.every((item) => typeof item !== "object")) return shorten(value.join(", "), max);
  return shorten(typeof value === "string" ? value : JSON.stringify(value), max);
}

/** Seconds as people read them. */
export function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace("T", " ").replace(".000Z", "Z");
}

/** Text of others on one line, without what a terminal would obey. */
export function shorten(text: string, max = MAX_CELL): string {
  const line = text.replace(/[\p{Cc}\p{Cf}]+/gu, " ");
  return line.length > max ? `${line.slice(0, max - 1).toWellFormed()}…` : line;
}
