import { spinner } from "@clack/prompts";
import { Command } from "commander";
import { Connection } from "../client/connection.ts";
import type { Signer } from "../client/crypto.ts";
import { informationOf } from "../client/information.ts";
import { Management } from "../client/management.ts";
import { type Place, placeOf } from "../client/place.ts";
import { knownPeerSigner, readSigner } from "../client/secret.ts";
import { Failure, UsageError } from "../failure.ts";
import { shorten, show, timeOf } from "../output.ts";
import { Side, type SyncFilter } from "../sync/side.ts";
import { type Progress, type SyncOptions, sync } from "../sync/sync.ts";
import type { Transferred } from "../sync/transfer.ts";
import { watch } from "../sync/watch.ts";
import { examples, type GlobalOptions, optionsOf } from "./context.ts";
import { filtersOf, withFilter } from "./filter.ts";

interface Flags extends GlobalOptions {
  down?: boolean;
  up?: boolean;
  dryRun?: boolean;
  watch?: boolean;
  pages?: boolean;
  restore?: boolean;
  peerKeyFile?: string;
  limit?: number;
}

/** `nexus sync`: makes two relays equal. */
export function syncCommand(): Command {
  const command = new Command("sync").argument("<peer>", "URL of the other relay");
  return withFilter(command)
    .description("Copy between the relay and another one what only one of them has.")
    .option("--down", "only from the other relay to this one")
    .option("--up", "only from this relay to the other one")
    .option("--dry-run", "count what would be copied, and copy nothing")
    .option("--watch", "then go on and copy new events, until Ctrl-C")
    .option("--restore", "import what comes here: rules of publishing refuse nothing. For operators of this relay")
    .option("--pages", "read all events of the other relay, as if it had no NIP-77")
    .option("--peer-key-file <file>", "secret key for the other relay (default: NEXUS_PEER_KEY, or the same key)")
    .addHelpText(
      "after",
      examples(
        "nexus sync wss://other.example.com --dry-run",
        "nexus sync wss://other.example.com --down -k 0 -k 3 --since 2026-01-01",
        "nexus sync wss://other.example.com --peer-key-file other.key --watch",
      ),
    )
    .action(async (url: string, texts: string[], _, command: Command) => {
      const options = optionsOf<Flags>(command);
      const filters = (await filtersOf(texts, options)) as SyncFilter[];
      if (filters.some((filter) => "limit" in filter)) throw new UsageError("a sync takes no limit: give --since");
      const signer = await readSigner(options);
      const peerSigner = (await knownPeerSigner(options)) ?? signer;
      const places = { local: placeOf(options.relay), peer: placeOf(url) };
      const open = () => both(sideOf(places.local, signer), sideOf(places.peer, peerSigner, options.pages));
      const management = options.restore ? new Management(places.local, signer) : undefined;
      await run(open, options, filters, management);
    });
}

async function run(
  open: () => Promise<[Side, Side]>,
  flags: Flags,
  filters: readonly SyncFilter[],
  management: Management | undefined,
): Promise<void> {
  const isTerminal = process.stderr.isTTY && !flags.json;
  const bar = isTerminal ? spinner({ output: process.stderr }) : undefined;
  const options: SyncOptions = {
    filters,
    // Neither means both.
    down: flags.down === true || flags.up !== true,
    up: flags.up === true || flags.down !== true,
    isDry: flags.dryRun === true,
    management,
    report: (progress) => bar?.message(lineOf(progress)),
  };
  const tell = (progress: Progress) => {
    bar?.clear();
    show(flags.json, resultOf(progress, options), summaryOf(progress, options));
  };
  bar?.start("Comparing");
  try {
    if (flags.watch && options.isDry) throw new UsageError("--dry-run and --watch exclude each other");
    if (flags.watch) {
      const lost = (reason: string) => console.error(`${reason}; connecting again`);
      const refused = (count: number, reason: string) => console.error(`${count} refused: ${shorten(reason)}`);
      await watch({ ...options, open, synced: tell, lost, refused });
    }
    const sides = await open();
    try {
      const progress = await sync(...sides, options);
      tell(progress);
      if (!isComplete(progress, options)) throw new Failure("the relays are not equal: see above");
    } finally {
      for (const { connection } of sides) connection.close();
    }
  } finally {
    bar?.clear();
  }
}

async function sideOf(place: Place, signer: Signer, usePages = false): Promise<Side> {
  // A relay may have no such document.
  const { information } = await informationOf(place.url).catch(() => ({ information: {} }));
  return new Side(await Connection.open(place, signer), information, usePages);
}

/** Both, or none: the one that is open is closed when the other one fails. */
async function both(...opening: [Promise<Side>, Promise<Side>]): Promise<[Side, Side]> {
  try {
    return await Promise.all(opening);
  } catch (error) {
    for (const one of await Promise.allSettled(opening)) if (one.status === "fulfilled") one.value.connection.close();
    throw error;
  }
}

/** Whether nothing that was to be copied was left. */
function isComplete({ down, up, incomplete }: Progress, { isDry }: SyncOptions): boolean {
  const isLeft = [down, up].some(({ refused, withheld }) => Object.keys(refused).length > 0 || withheld > 0);
  return isDry || (!isLeft && incomplete.length === 0);
}

function resultOf(progress: Progress, { isDry, down, up }: SyncOptions): object {
  return { dry_run: isDry, ...progress, ...(!down && { down: undefined }), ...(!up && { up: undefined }) };
}

function lineOf({ down, up, roundTrips }: Progress): string {
  return `${roundTrips} answers; ${down.copied} of ${down.found} copied here, ${up.copied} of ${up.found} there`;
}

function summaryOf(progress: Progress, { isDry, down, up }: SyncOptions): string {
  const lines = [
    ...(down ? directionOf("to this relay", progress.down, isDry) : []),
    ...(up ? directionOf("to the other relay", progress.up, isDry) : []),
    `${progress.negentropy ? "compared by NIP-77" : "compared by reading all events"}, ${progress.roundTrips} answers, ` +
      `${inMegabytes(progress.traffic.sent)} MB sent, ${inMegabytes(progress.traffic.received)} MB received`,
    ...progress.incomplete.map(
      (second) => `a relay has more events of ${timeOf(second)} than it gives at a time: some of them may be missing`,
    ),
  ];
  return lines.join("\n");
}

function directionOf(where: string, { found, copied, known, withheld, refused }: Transferred, isDry: boolean) {
  if (isDry) return [`${found} to copy ${where}`];
  return [
    `${copied} copied ${where}`,
    ...(known > 0 ? [`  ${known} were there, or something newer`] : []),
    ...(withheld > 0 ? [`  ${withheld} are not given: deleted, expired, or not for this key`] : []),
    ...Object.entries(refused).map(([reason, count]) => `  ${count} refused: ${shorten(reason)}`),
  ];
}

function inMegabytes(characters: number): string {
  return (characters / 1e6).toFixed(1);
}
