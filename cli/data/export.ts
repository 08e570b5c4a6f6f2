import { existsSync, statSync } from "node:fs";
import { type Event, idOfRaw } from "../../src/protocol/event.ts";
import type { Channel } from "./channel.ts";
import { Checkpoint } from "./checkpoint.ts";
import { Digest } from "./digest.ts";
import type { ProgressMeter } from "./meter.ts";
import { FileOutput, type Output, refuseExisting, StandardOutput } from "./output.ts";

/** One answer of `exportevents`. */
export interface Page {
  events: string;
  count: number;
  next?: number;
  position: number;
}

/** How far an export is. */
interface State {
  relay: string;
  kinds: number[];
  next: number;
  bytes: number;
  count: number;
  digest: string;
}

export interface ExportSummary {
  events: number;
  /** See {@link Digest}. */
  digest: string;
  /** Position of the newest event that the relay had at the end. */
  position: number;
}

/** Pages of a relay's events behind a position, to the end. */
export async function* pagesOf(channel: Channel, after: number, kinds: readonly number[]): AsyncGenerator<Page> {
  for (let next: number | undefined = after; next !== undefined; ) {
    const page: Page = await channel.call<Page>("exportevents", next, kinds);
    yield page;
    next = page.next;
  }
}

/** Ids of the events of a page. */
export function idsOf({ events }: Page): Event["id"][] {
  return events.split("\n").slice(0, -1).map(idOfRaw);
}

/** Writes all events of a relay to a file, or to stdout. To a file it goes on where it was interrupted. */
export async function exportEvents(
  channel: Channel,
  file: string | undefined,
  kinds: readonly number[],
  meterOf: (events: number) => ProgressMeter,
): Promise<ExportSummary> {
  if (file !== undefined) refuseExisting(file);
  const checkpoint = file === undefined ? undefined : new Checkpoint<State>(file);
  const begun = await resumable(channel, file, kinds, checkpoint?.read());
  const output: Output = file === undefined ? new StandardOutput() : new FileOutput(file, begun?.bytes);
  const digest = new Digest(begun?.digest, begun?.count);
  const meter = meterOf(digest.count);
  if (begun !== undefined)
    meter.say(`going on behind the ${begun.count.toLocaleString("en")} events of an earlier try`);
  let position = 0;
  for await (const page of pagesOf(channel, begun?.next ?? 0, kinds)) {
    if (page.events !== "") await output.write(page.events);
    for (const id of idsOf(page)) digest.add(id);
    position = page.position;
    if (page.next === undefined) break;
    const { count } = digest;
    checkpoint?.write({
      relay: channel.name,
      kinds: [...kinds],
      next: page.next,
      bytes: output.bytes,
      count,
      digest: `${digest}`,
    });
    meter.show(count, page.next / Math.max(1, position));
  }
  meter.clear();
  output.finish();
  checkpoint?.remove();
  return { events: digest.count, digest: `${digest}`, position };
}

/** What was begun, if it can go on: the same relay with the same kinds, and all that was written is there. */
async function resumable(
  channel: Channel,
  file: string | undefined,
  kinds: readonly number[],
  state: Partial<State> | undefined,
): Promise<State | undefined> {
  const part = `${file}.part`;
  if (file === undefined || state?.next === undefined || !existsSync(part)) return undefined;
  const isSame = state.relay === channel.name && JSON.stringify(state.kinds) === JSON.stringify(kinds);
  if (!isSame || statSync(part).size < (state.bytes ?? 0)) return undefined;
  const { position } = await channel.call<Page>("exportevents", Number.MAX_SAFE_INTEGER, kinds);
  // Positions only grow: one that is smaller is of another relay under the same name.
  return position < state.next ? undefined : (state as State);
}
