import { inspect } from "node:util";
import Table from "cli-table3";
import { toBech32 } from "./client/keys.ts";
import { printable, withoutSecrets } from "./failure.ts";

/** Characters of one cell at most. */
const MAX_CELL = 90;

/** Whether this process has shown something: for programs that is all of stdout. */
let hasShown = false;

/** Prints what a command found: for programs one JSON value, for people a text, which a terminal does not obey. */
export function show(json: boolean | undefined, value: unknown, text: string): void {
  hasShown = true;
  console.log(json ? JSON.stringify(value) : printable(text));
}

/** Prints why a command failed: on stderr, and for programs as `error` on stdout where nothing else is shown. */
export function showFailure(json: boolean, message: string, details: unknown = `error: ${message}`): void {
  if (json && !hasShown) console.log(JSON.stringify({ error: withoutSecrets(message) }));
  console.error(withoutSecrets(typeof details === "string" ? details : inspect(details)));
}

/** Columns that hold public keys, which people know as npub. */
const KEYS: readonly string[] = ["pubkey", "inviter", "customer", "provider"];

/** Prints rows: for programs a JSON array, for people the text of {@link rowsFor} their screen. */
export function showRows(json: boolean | undefined, rows: readonly object[], columns: readonly string[]): void {
  show(
    json,
    rows,
    rows.length === 0 ? "none" : rowsFor(process.stdout.isTTY ? process.stdout.columns : 0, rows, columns),
  );
}

/**
 * Rows as a table of the named columns. Where that is wider than the screen each row is a paragraph: keys and ids stay whole, and
 * can be copied. A width of 0 is no screen, or one that does not say how wide it is.
 */
export function rowsFor(width: number, rows: readonly object[], columns: readonly string[]): string {
  const table = tableOf(rows, columns);
  return width > 0 && table.indexOf("\n") > width ? paragraphsOf(rows, columns) : table;
}

/** Rows as a table of the named columns. */
export function tableOf(rows: readonly object[], columns: readonly string[]): string {
  const table = new Table({ head: columns.map(titleOf), style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push(cellsOf(row, columns));
  return table.toString();
}

/** Rows as paragraphs, with a line for each column that has a value. */
function paragraphsOf(rows: readonly object[], columns: readonly string[]): string {
  const width = Math.max(...columns.map(({ length }) => length));
  const lines = (row: object) =>
    cellsOf(row, columns).flatMap((text, i) =>
      text === "" ? [] : `${titleOf(columns[i] ?? "").padEnd(width)}  ${text}`,
    );
  return rows.map((row) => lines(row).join("\n")).join("\n\n");
}

function titleOf(column: string): string {
  return shorten(column).replaceAll("_", " ");
}

function cellsOf(row: object, columns: readonly string[]): string[] {
  return columns.map((column) => {
    const text = cell((row as Record<string, unknown>)[column], column);
    return KEYS.includes(column) && /^[0-9a-f]{64}$/.test(text) ? toBech32("npub", text) : text;
  });
}

/** The members of an object, one on each line. */
export function membersOf(value: object): string {
  const entries = Object.entries(value).map(([name, member]) => [shorten(name), member] as const);
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

/** Seconds as people read them; those that no calendar has, as they are. */
export function timeOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  return date.toISOString().replace("T", " ").replace(".000Z", "Z");
}

/** Text of others on one line, without what a terminal would obey. */
export function shorten(text: string, max = MAX_CELL): string {
  const line = text.replace(/[\p{Cc}\p{Cf}]+/gu, " ");
  return line.length > max ? `${line.slice(0, max - 1).toWellFormed()}…` : line;
}
