import { createHash } from "node:crypto";
import { idOfRaw } from "../../src/protocol/event.ts";
import { Failure } from "../failure.ts";
import type { Channel } from "./channel.ts";
import { Digest } from "./digest.ts";
import { pagesOf } from "./export.ts";
import { LineSource } from "./lines.ts";
import type { ProgressMeter } from "./meter.ts";
import { FileOutput, refuseExisting } from "./output.ts";

const OTHERS = "nexus import takes files of events. A backup (SQLite) takes the place of the database: docs/backup.md";

/** What stands in the first line of a bundle. */
export interface Head {
  nexus: "bundle";
  version: 1;
  /** Public key of the relay itself, if it had one. */
  self?: string;
  url: string;
  created_at: number;
  /** Who could see what; what an early bundle does not say. */
  private_kinds?: number[];
  read?: string;
  write?: string;
  tables: string[];
}

/** What stands in its last line. */
export interface Foot {
  end: {
    events: number;
    /** See {@link Digest}. */
    digest: string;
    rows: Record<string, number>;
    /** Of the rows of the lists of access, in their order. */
    access: string;
    /** Nothing was stored while the bundle was made: it is of one moment. */
    quiet: boolean;
    /** SHA-256 of all lines before. */
    sha256: string;
  };
}

export type Row = (string | number | null)[];

interface About {
  self?: string;
  url: string;
  private_kinds: number[];
  read?: string;
  write?: string;
  tables: string[];
}

interface StatePage {
  rows: Row[];
  next?: Row;
}

/** What a relay says of itself, for a bundle. */
export function aboutOf(channel: Channel): Promise<About> {
  return channel.call<About>("exportstate");
}

/** The rows of a table, some at a time. */
export async function* stateOf(channel: Channel, table: string): AsyncGenerator<Row[]> {
  for (let after: Row | undefined = []; after !== undefined; ) {
    const page: StatePage = await channel.call<StatePage>("exportstate", table, after.length === 0 ? undefined : after);
    if (page.rows.length > 0) yield page.rows;
    after = page.next;
  }
}

/** A hash of rows in their order. */
export class RowHash {
  readonly #hash = createHash("sha256");

  add(rows: readonly Row[]): void {
    for (const row of rows) this.#hash.update(`${JSON.stringify(row)}\n`);
  }

  toString(): string {
    return this.#hash.digest("hex");
  }
}

/**
 * Writes one file with all that a relay holds: its events, private ones too, and what it knows besides them. The state comes behind
 * the events, and then what was stored meanwhile, so that what is restored is at least as new as each part.
 */
export async function writeBundle(channel: Channel, file: string, meter: ProgressMeter): Promise<Foot["end"]> {
  refuseExisting(file);
  const about = await aboutOf(channel);
  const output = new FileOutput(file);
  const hash = createHash("sha256");
  const write = async (text: string) => {
    hash.update(text);
    await output.write(text);
  };
  const { self, url, tables, private_kinds, read, write: writers } = about;
  const head: Head = {
    nexus: "bundle",
    version: 1,
    ...(self && { self }),
    url,
    created_at: Math.floor(Date.now() / 1000),
    private_kinds,
    ...(read && { read }),
    ...(writers && { write: writers }),
    tables,
  };
  await write(`${JSON.stringify(head)}\n`);
  const digest = new Digest();
  let after = 0;
  let position = 0;
  const positions: number[] = [];
  const events = async () => {
    for await (const page of pagesOf(channel, after, about.private_kinds)) {
      if (page.events !== "") await write(page.events);
      for (const line of page.events.split("\n")) if (line !== "") digest.add(idOfRaw(line));
      position = page.position;
      positions.push(position);
      after = page.next ?? position;
      meter.show(digest.count, after / Math.max(1, position));
    }
  };
  await events();
  const rows: Record<string, number> = {};
  const access = new RowHash();
  for (const table of tables) {
    rows[table] = 0;
    for await (const some of stateOf(channel, table)) {
      await write(`${JSON.stringify({ table, rows: some })}\n`);
      rows[table] += some.length;
      if (table === "access") access.add(some);
    }
  }
  await events();
  meter.clear();
  const quiet = positions.every((one) => one === positions[0]);
  const sha256 = hash.digest("hex");
  const end = { events: digest.count, digest: `${digest}`, rows, access: `${access}`, quiet, sha256 };
  await output.write(`${JSON.stringify({ end })}\n`);
  output.finish();
  return end;
}

/** One line of a bundle between its head and its foot. */
export type Part = { table: string; rows: Row[] } | { raw: string };

/** A bundle that was read once and is whole. */
export class Bundle {
  readonly file: string;
  readonly head: Head;
  readonly end: Foot["end"];

  private constructor(file: string, head: Head, end: Foot["end"]) {
    this.file = file;
    this.head = head;
    this.end = end;
  }

  /** Reads all of a file and checks its digests. Throws a {@link Failure} if it is no bundle, or not as it was written. */
  static async open(file: string): Promise<Bundle> {
    const hash = createHash("sha256");
    let head: Head | undefined;
    let before: string | undefined;
    const source = new LineSource(file);
    if (source.size === undefined) throw new Failure(`${file} is no file: a bundle is read several times`);
    for await (const lines of source.lines()) {
      for (const line of lines) {
        if (before !== undefined) hash.update(`${before}\n`);
        head ??= parsed<Head>(line);
        if (head?.nexus !== "bundle") throw new Failure(`${file} is no bundle. ${OTHERS}`);
        if (head.version !== 1) throw new Failure(`${file} was made by a newer Nexus`);
        before = line;
      }
    }
    const foot = parsed<Foot>(before ?? "");
    if (head === undefined || foot?.end === undefined) throw new Failure(`${file} is not whole: its end is missing`);
    if (foot.end.sha256 !== hash.digest("hex")) throw new Failure(`${file} is damaged: its digest is another`);
    return new Bundle(file, head, foot.end);
  }

  /** What is between head and foot, some at a time, and how much of the file that is. */
  async *parts(): AsyncGenerator<{ parts: Part[]; share: number }> {
    const source = new LineSource(this.file);
    for await (const lines of source.lines()) {
      yield { parts: lines.flatMap(partOf), share: source.share ?? 0 };
    }
  }
}

function partOf(line: string): Part[] {
  if (line.startsWith('{"id":"')) return [{ raw: line }];
  if (!line.startsWith('{"table":')) return [];
  return [JSON.parse(line) as Part];
}

function parsed<T>(line: string): T | undefined {
  try {
    return JSON.parse(line) as T;
  } catch {
    return undefined;
  }
}
