import { Failure, messageOf } from "../failure.ts";
import { aboutOf, Bundle, type Row, RowHash, stateOf } from "./bundle.ts";
import type { Channel } from "./channel.ts";
import { Digest } from "./digest.ts";
import { idsOf, pagesOf } from "./export.ts";
import { Importing, type ImportSummary } from "./import.ts";
import type { ProgressMeter } from "./meter.ts";
import { openedBy } from "./opened.ts";

export interface RestoreSummary extends ImportSummary {
  /** Events that the relay has now, of those of the bundle. */
  events: number;
  digest: string;
  /** Rows of the bundle, by their table. */
  rows: Record<string, number>;
  /** The relay has exactly the events of the bundle. */
  exact: boolean;
}

const BECOME_OPERATOR =
  "Only an operator of the new relay restores: start it with RELAY_PUBKEY, or open the link that it prints and sign in.";

/** Tables that decide which events are let in come before the events. */
const BEFORE = ["access", "audit"];

/**
 * Restores a bundle into an empty relay, and checks what is there then. What was interrupted begins anew: what is there already is
 * not stored twice. Unless `mayOpen`, no event goes to a relay that shows or takes more than that of the bundle: settings and lists,
 * which come first, have a say in that.
 */
export async function restoreBundle(
  channel: Channel,
  file: string,
  meter: ProgressMeter,
  mayOpen = false,
): Promise<RestoreSummary> {
  const bundle = await Bundle.open(file);
  const name = bundle.end.sha256;
  try {
    // What the relay refuses of a bundle is found before anything of it is written.
    await eachTable(bundle, (table, rows) => channel.call("importstate", table, rows, true));
    await channel.call("beginrestore", name);
  } catch (error) {
    const text = messageOf(error);
    throw /this key/.test(text) ? new Failure(`${text}\n${BECOME_OPERATOR}`) : error;
  }
  await restoreTables(channel, bundle, (table) => BEFORE.includes(table));
  const about = await aboutOf(channel);
  const opened = mayOpen ? [] : openedBy(about, bundle.head);
  if (opened.length > 0) {
    throw new Failure(
      `no event is restored, since this relay ${opened.join(", and it ")}. Change its variables and restore again, or restore with --open`,
    );
  }
  const importing = new Importing(channel);
  for await (const { parts, share } of bundle.parts()) {
    for (const part of parts) if ("raw" in part) await importing.add(part.raw);
    meter.show(importing.summary.lines, share);
  }
  await importing.flush();
  await restoreTables(channel, bundle, (table) => !BEFORE.includes(table));
  await checkAccess(channel, bundle);
  const digest = new Digest();
  for await (const page of pagesOf(channel, 0, about.private_kinds)) for (const id of idsOf(page)) digest.add(id);
  await channel.call("endrestore", name, bundle.head.self);
  meter.clear();
  const { summary } = importing;
  const refused = Object.values(summary.refused).reduce((sum, count) => sum + count, 0);
  const exact = `${digest}` === bundle.end.digest && digest.count === bundle.end.events;
  if (!exact && bundle.end.quiet && digest.count + refused !== bundle.end.events) {
    throw new Failure(
      `the relay has ${digest.count} events, and the bundle ${bundle.end.events}, of which ${refused} were refused`,
    );
  }
  return { ...summary, events: digest.count, digest: `${digest}`, rows: bundle.end.rows, exact };
}

function restoreTables(channel: Channel, bundle: Bundle, isMeant: (table: string) => boolean): Promise<void> {
  return eachTable(bundle, async (table, rows) => {
    if (isMeant(table)) await channel.call("importstate", table, rows);
  });
}

/** Does something with the rows of a bundle, some of a table at a time. */
async function eachTable(bundle: Bundle, act: (table: string, rows: Row[]) => Promise<unknown>): Promise<void> {
  for await (const { parts } of bundle.parts()) {
    for (const part of parts) if ("table" in part) await act(part.table, part.rows);
  }
}

/** The lists of access must be to the letter what they were. */
async function checkAccess(channel: Channel, { end }: Bundle): Promise<void> {
  const hash = new RowHash();
  for await (const rows of stateOf(channel, "access")) hash.add(rows);
  if (`${hash}` !== end.access) throw new Failure("members, bans or settings of the relay are not those of the bundle");
}
