import { Command } from "commander";
import { examples, optionsOf } from "../commands/context.ts";
import { repeated, wholeNumber } from "../commands/filter.ts";
import { Failure } from "../failure.ts";
import { membersOf, show } from "../output.ts";
import { writeBundle } from "./bundle.ts";
import { type ChannelOptions, openChannel } from "./channel.ts";
import { exportEvents } from "./export.ts";
import { type ImportSummary, importEvents } from "./import.ts";
import { ProgressMeter, rateOf } from "./meter.ts";
import { restoreBundle } from "./restore.ts";

const DATA = ["--data <directory>", "data directory of a relay that does not run, instead of a running relay"] as const;

/** `nexus export`: all events, as JSON lines. */
export function exportCommand(): Command {
  return new Command("export")
    .argument("[file]", "file to write; .gz and .zst compress it (default: stdout)")
    .description("Write all events of a relay, one as JSON in each line. Goes on where it was interrupted.")
    .option("--private-kind <number>", "a private kind that is exported too (may be repeated)", repeated(wholeNumber))
    .option(...DATA)
    .addHelpText(
      "after",
      examples(
        "nexus export events.jsonl.zst",
        "nexus export --private-kind 4 --private-kind 1059 all.jsonl",
        "nexus export --data .nexus > events.jsonl",
      ),
    )
    .action(async (file: string | undefined, _, command: Command) => {
      const options = optionsOf<ChannelOptions & { privateKind?: number[] }>(command);
      const name = file === "-" ? undefined : file;
      let meter = new ProgressMeter("exported");
      const channel = await openChannel(options, (text) => meter.say(text));
      try {
        const kinds = [...new Set(options.privateKind ?? [])].sort((a, b) => a - b);
        const summary = await exportEvents(channel, name, kinds, (events) => {
          meter = new ProgressMeter("exported", events);
          return meter;
        });
        const { events, digest } = summary;
        const text = `exported ${events.toLocaleString("en")} events in ${meter.seconds.toFixed(1)} s\ndigest ${digest}`;
        if (name === undefined) process.stderr.write(`${text}\n`);
        else show(options.json, { file, ...summary }, text);
      } finally {
        channel.close();
      }
    });
}

/** `nexus bundle`: everything that a relay holds, in one file. */
export function bundleCommand(): Command {
  return new Command("bundle")
    .argument("<file>", "file to write; .gz and .zst compress it")
    .description(
      "Write all that a relay holds into one file: events, private ones too, members, bans, settings, the audit list.",
    )
    .option(...DATA)
    .addHelpText("after", examples("nexus bundle relay.bundle.zst", "nexus bundle --data .nexus relay.bundle.zst"))
    .action(async (file: string, _, command: Command) => {
      const options = optionsOf<ChannelOptions>(command);
      const meter = new ProgressMeter("bundled");
      const channel = await openChannel(options, (text) => meter.say(text));
      try {
        const end = await writeBundle(channel, file, meter);
        const rows = Object.values(end.rows).reduce((sum, count) => sum + count, 0);
        const text = `bundled ${end.events.toLocaleString("en")} events and ${rows.toLocaleString("en")} rows of state\ndigest ${end.digest}`;
        show(
          options.json,
          { file, ...end },
          end.quiet ? text : `${text}\nEvents came meanwhile: the relay has more than one moment of it.`,
        );
      } finally {
        channel.close();
      }
    });
}

/** `nexus restore`: a bundle into an empty relay. */
export function restoreCommand(): Command {
  return new Command("restore")
    .argument("<file>", "bundle")
    .description("Restore a bundle into an empty relay, on either host, and check it.")
    .option("--open", "restore also where more is shown, or more may write, than on the relay of the bundle")
    .option(...DATA)
    .addHelpText("after", examples("nexus restore --relay wss://relay.example.com relay.bundle.zst"))
    .action(async (file: string, _, command: Command) => {
      const options = optionsOf<ChannelOptions & { open?: boolean }>(command);
      const meter = new ProgressMeter("restored");
      const channel = await openChannel(options, (text) => meter.say(text));
      try {
        const summary = await restoreBundle(channel, file, meter, options.open);
        const verdict = summary.exact
          ? "The relay has exactly the events of the bundle."
          : "The relay has not all events of the bundle: see what was refused.";
        show(options.json, { ...summary, seconds: meter.seconds }, `${summaryOf(summary, meter.seconds)}\n${verdict}`);
      } finally {
        channel.close();
      }
    });
}

/** `nexus import`: restores events. */
export function importCommand(): Command {
  return new Command("import")
    .argument(
      "[file]",
      "file with one event as JSON in each line; may be compressed by gzip or zstd (default: stdin)",
      "-",
    )
    .description(
      "Restore events. Signatures are checked, rules of publishing are not. Goes on where it was interrupted.",
    )
    .option(...DATA)
    .addHelpText(
      "after",
      examples(
        "nexus import events.jsonl.zst",
        "nexus import --data .nexus events.jsonl",
        "zcat events.jsonl.gz | nexus import",
      ),
    )
    .action(async (file: string, _, command: Command) => {
      const options = optionsOf<ChannelOptions>(command);
      let meter = new ProgressMeter("imported");
      const channel = await openChannel(options, (text) => meter.say(text));
      try {
        const summary = await importEvents(channel, file, (events, share) => {
          meter = new ProgressMeter("imported", events, share);
          return meter;
        });
        show(options.json, { ...summary, seconds: meter.seconds }, summaryOf(summary, meter.seconds));
        refuseDamaged(summary);
      } finally {
        channel.close();
      }
    });
}

function summaryOf({ lines, stored, duplicates, refused }: ImportSummary, seconds: number): string {
  const head = `stored ${stored.toLocaleString("en")} events, ${duplicates.toLocaleString("en")} were there already; ${rateOf(lines, seconds)} lines/s`;
  const reasons = Object.entries(refused).sort(([, a], [, b]) => b - a);
  if (reasons.length === 0) return head;
  return `${head}\nrefused:\n${membersOf(Object.fromEntries(reasons))}`;
}

/** What the relay does not want is no failure of the import; what is no event is. */
function refuseDamaged({ refused }: ImportSummary): void {
  const isDamaged = (reason: string) => reason.startsWith("invalid:") && !/expired|ephemeral|vanish/.test(reason);
  const wrong = Object.entries(refused).filter(([reason]) => isDamaged(reason));
  const count = wrong.reduce((sum, [, times]) => sum + times, 0);
  if (count > 0) throw new Failure(`${count} ${count === 1 ? "line is" : "lines are"} not as an event has to be`);
}
