import { Command } from "commander";
import { examples, type GlobalOptions, management, optionsOf } from "../commands/context.ts";
import { time } from "../commands/filter.ts";
import { Failure, messageOf } from "../failure.ts";
import { show } from "../output.ts";
import { readEnvFile, readSettings, StartError } from "../settings.mjs";
import { backUpRunning, backUpStopped, compact } from "./backup.ts";
import { type ChannelOptions, openChannel } from "./channel.ts";

/** `nexus backup`: one file of SQLite, which a relay can start on. */
export function backupCommand(): Command {
  return new Command("backup")
    .argument("<file>", "file to write")
    .description("Back up a relay on this machine, while it runs: one SQLite file of one moment, opened and checked.")
    .option("--data <directory>", "data directory of a relay that does not run, instead of a running relay")
    .addHelpText("after", examples("nexus backup nexus-today.sqlite", "nexus backup --data .nexus nexus-today.sqlite"))
    .action(async (file: string, _, command: Command) => {
      const options = optionsOf<ChannelOptions>(command);
      const say = (text: string) => process.stderr.write(`${text}\n`);
      const made =
        options.data === undefined
          ? await backUpRunning(await openChannel(options, say), file)
          : await backUpStopped(options.data, file);
      show(
        options.json,
        made,
        `${made.file}: ${made.events.toLocaleString("en")} events, ${sizeOf(made.bytes)}, checked.`,
      );
    });
}

/** `nexus compact`: gives the disk back what nothing is stored in. */
export function compactCommand(): Command {
  return new Command("compact")
    .description(
      "Rewrite the database of a stopped relay without its free pages. A running relay gives them back by itself.",
    )
    .option("--data <directory>", "data directory (default: NEXUS_DATA_DIR)")
    .addHelpText("after", examples("nexus compact", "nexus compact --data .nexus"))
    .action(async (_, command: Command) => {
      const options = optionsOf<{ data?: string }>(command);
      const directory = options.data ?? (await readSettings({ ...readEnvFile(), ...process.env })).dataDirectory;
      try {
        const { before, after } = await compact(directory);
        show(options.json, { before, after }, `${sizeOf(before)} before, ${sizeOf(after)} now.`);
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        throw new Failure(`${error.message} ${RUNNING}`);
      }
    });
}

const RUNNING = "While it runs, it gives back free pages by itself, as long as more than a tenth of the file is free.";

/** `nexus bookmark`: moments to which Cloudflare can take a relay back. */
export function bookmarkCommand(): Command {
  const showOne = new Command("show")
    .argument("[time]", "a moment of the last 30 days, as seconds or a date (default: now)", time)
    .description("Show the bookmark of a moment.")
    .addHelpText("after", examples("nexus bookmark show", "nexus bookmark show 2026-01-31T12:00:00Z"))
    .action(async (moment: number | undefined, _, command: Command) => {
      const options = optionsOf(command);
      const result = await onCloudflare<{ bookmark: string }>(options, "getbookmark", moment);
      show(options.json, result, result.bookmark);
    });
  const restore = new Command("restore")
    .argument("<bookmark>", "bookmark of a moment")
    .description(
      "Take all that the relay holds back to a moment. What came since is lost, and so is the record of this.",
    )
    .addHelpText(
      "after",
      examples("nexus bookmark restore 0000007b-0000b26e-00001538-0c3e87bb37b3db5cc52eedb93cd3b96b"),
    )
    .action(async (bookmark: string, _, command: Command) => {
      const options = optionsOf(command);
      const result = await onCloudflare<{ undo: string }>(options, "restorebookmark", bookmark);
      show(
        options.json,
        result,
        `The relay starts anew at that moment. To undo it: nexus bookmark restore ${result.undo}`,
      );
    });
  return [showOne, restore].reduce(
    (parent, sub) => parent.addCommand(sub),
    new Command("bookmark").description("Take a relay on Cloudflare back to a moment of the last 30 days."),
  );
}

/** Calls a method that only relays on Cloudflare have, and only for operators. */
async function onCloudflare<T>(options: GlobalOptions, method: string, param: unknown): Promise<T> {
  const relay = await management(options);
  return relay.call<T>(method, param).catch((error) => {
    const text = messageOf(error);
    throw text.includes("does not offer") ? new Failure(`${text}\n${ELSEWHERE}`) : error;
  });
}

const ELSEWHERE = "Bookmarks are for operators of a relay on Cloudflare. On Node make backups: nexus backup FILE";

function sizeOf(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
