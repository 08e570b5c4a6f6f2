import { Failure } from "../failure.ts";
import type { Channel } from "./channel.ts";
import { Checkpoint } from "./checkpoint.ts";
import { LineSource } from "./lines.ts";
import type { ProgressMeter } from "./meter.ts";

/** What one call takes at most: characters, lines, and bytes of the body of the request. */
const MAX_CHARACTERS = 1 << 19;
const MAX_LINES = 4000;
const MAX_BODY = (1 << 21) - 100;

/** One answer of `importevents`. */
interface Imported {
  stored: number;
  duplicates: number;
  refused: [line: number, reason: string][];
  position: number;
}

export interface ImportSummary {
  /** Lines that were looked at, empty ones included. */
  lines: number;
  stored: number;
  duplicates: number;
  /** How many were refused, by reason. */
  refused: Record<string, number>;
}

/** How far an import is. */
interface State {
  relay: string;
  size: number;
  changedMs: number;
  position: number;
  summary: ImportSummary;
}

const TOO_LARGE = "invalid: the line is too long";

/** Lines that are sent to a relay, as many in each call as one takes. */
export class Importing {
  readonly summary: ImportSummary;
  readonly #channel: Channel;
  #lines: string[] = [];
  #characters = 0;
  /** Position of the relay after the last call. */
  position = 0;

  constructor(channel: Channel, summary: ImportSummary = { lines: 0, stored: 0, duplicates: 0, refused: {} }) {
    this.#channel = channel;
    this.summary = summary;
  }

  /** Adds a line. Whether there was a call, after which all lines before this one are done. */
  async add(line: string): Promise<boolean> {
    const isFull = this.#lines.length >= MAX_LINES || this.#characters + line.length > MAX_CHARACTERS;
    const isDue = this.#lines.length > 0 && isFull;
    if (isDue) await this.flush();
    this.#lines.push(line);
    this.#characters += line.length + 1;
    return isDue;
  }

  /** Sends what is left. Throws if the relay cannot store it now. */
  async flush(): Promise<void> {
    const lines = this.#lines;
    [this.#lines, this.#characters] = [[], 0];
    if (lines.length === 0) return;
    await this.#send(lines);
    this.summary.lines += lines.length;
  }

  async #send(lines: readonly string[]): Promise<void> {
    const text = lines.join("\n");
    const { summary } = this;
    const refuse = (reason: string) => {
      summary.refused[reason] = (summary.refused[reason] ?? 0) + 1;
    };
    if (Buffer.byteLength(JSON.stringify(text)) > MAX_BODY) {
      if (lines.length === 1) return refuse(TOO_LARGE);
      const middle = lines.length >> 1;
      await this.#send(lines.slice(0, middle));
      return this.#send(lines.slice(middle));
    }
    const { stored, duplicates, refused, position } = await this.#channel.call<Imported>("importevents", text);
    const failed = refused.find(([, reason]) => reason.startsWith("error:"));
    if (failed !== undefined) throw new Failure(`${failed[1].slice("error: ".length)} (behind line ${summary.lines})`);
    summary.stored += stored;
    summary.duplicates += duplicates;
    for (const [, reason] of refused) refuse(reason);
    this.position = position;
  }
}

/**
 * Imports events from a file, one in each line, or from stdin (`-`). From a file it goes on where it was interrupted: what the relay
 * has confirmed is not sent again.
 */
export async function importEvents(
  channel: Channel,
  file: string,
  meterOf: (events: number, share: number) => ProgressMeter,
): Promise<ImportSummary> {
  const source = new LineSource(file);
  const checkpoint = source.size === undefined ? undefined : new Checkpoint<State>(file);
  const { position } = await channel.call<Imported>("importevents", "");
  const state = checkpoint?.read();
  const isSame = state?.relay === channel.name && state.size === source.size && state.changedMs === source.changedMs;
  // Positions only grow: one that is smaller is of another relay under the same name.
  const begun = isSame && position >= (state.position ?? 0) ? state.summary : undefined;
  const importing = new Importing(channel, begun);
  const { summary } = importing;
  let left = summary.lines;
  let meter: ProgressMeter | undefined;
  for await (const lines of source.lines()) {
    const skipped = Math.min(left, lines.length);
    left -= skipped;
    if (skipped === lines.length) continue;
    if (meter === undefined) {
      if (/^\{"nexus":"bundle"/.test(lines[0] ?? "")) throw new Failure(`${file} is a bundle: nexus restore takes it`);
      meter = meterOf(summary.lines, source.share ?? 0);
      if (begun !== undefined) meter.say(`going on behind line ${begun.lines.toLocaleString("en")} of an earlier try`);
    }
    for (const line of lines.slice(skipped)) {
      if (!(await importing.add(line))) continue;
      const { size = 0, changedMs } = source;
      checkpoint?.write({ relay: channel.name, size, changedMs, position: importing.position, summary });
      meter.show(summary.lines, source.share);
    }
  }
  await importing.flush();
  meter?.clear();
  checkpoint?.remove();
  return summary;
}
