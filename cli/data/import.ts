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
  const checkpoint = file === "-" ? undefined : new Checkpoint<State>(file);
  const { position } = await channel.call<Imported>("importevents", "");
  const state = checkpoint?.read();
  const isSame = state?.relay === channel.name && state.size === source.size && state.changedMs === source.changedMs;
  // Positions only grow: one that is smaller is of another relay under the same name.
  const begun = isSame && position >= (state.position ?? 0) ? state.summary : undefined;
  const summary: ImportSummary = begun ?? { lines: 0, stored: 0, duplicates: 0, refused: {} };
  let meter: ProgressMeter | undefined;
  for await (const lines of batchesOf(source, summary.lines)) {
    if (meter === undefined) {
      meter = meterOf(summary.lines, source.share ?? 0);
      if (begun !== undefined) meter.say(`going on behind line ${begun.lines.toLocaleString("en")} of an earlier try`);
    }
    const reached = await send(channel, lines, summary);
    summary.lines += lines.length;
    checkpoint?.write({
      relay: channel.name,
      size: source.size ?? 0,
      changedMs: source.changedMs,
      position: reached,
      summary,
    });
    meter.show(summary.lines, source.share);
  }
  meter?.clear();
  checkpoint?.remove();
  return summary;
}

/** Imports lines with as many calls as they take. Returns the position of the relay. Throws if the relay cannot store them now. */
async function send(channel: Channel, lines: readonly string[], summary: ImportSummary): Promise<number> {
  const text = lines.join("\n");
  if (Buffer.byteLength(JSON.stringify(text)) > MAX_BODY) {
    if (lines.length > 1) {
      const middle = lines.length >> 1;
      await send(channel, lines.slice(0, middle), summary);
      return send(channel, lines.slice(middle), summary);
    }
    summary.refused[TOO_LARGE] = (summary.refused[TOO_LARGE] ?? 0) + 1;
    return 0;
  }
  const { stored, duplicates, refused, position } = await channel.call<Imported>("importevents", text);
  const failed = refused.find(([, reason]) => reason.startsWith("error:"));
  if (failed !== undefined)
    throw new Failure(`${failed[1].slice("error: ".length)} (stopped near line ${summary.lines + failed[0] + 1})`);
  summary.stored += stored;
  summary.duplicates += duplicates;
  for (const [, reason] of refused) summary.refused[reason] = (summary.refused[reason] ?? 0) + 1;
  return position;
}

/** Lines behind so many, in batches that one call takes. */
async function* batchesOf(source: LineSource, skip: number): AsyncGenerator<string[]> {
  let batch: string[] = [];
  let characters = 0;
  let left = skip;
  for await (const lines of source.lines()) {
    const skipped = Math.min(left, lines.length);
    left -= skipped;
    for (let i = skipped; i < lines.length; i++) {
      const line = lines[i] as string;
      if (batch.length > 0 && (batch.length >= MAX_LINES || characters + line.length > MAX_CHARACTERS)) {
        yield batch;
        [batch, characters] = [[], 0];
      }
      batch.push(line);
      characters += line.length + 1;
    }
  }
  if (batch.length > 0) yield batch;
}
