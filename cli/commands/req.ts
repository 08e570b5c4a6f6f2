import { Command } from "commander";
import type { Event } from "../../src/protocol/event.ts";
import { toBech32 } from "../client/keys.ts";
import { shorten, timeOf } from "../output.ts";
import { examples, optionsOf, withConnection } from "./context.ts";
import { filtersOf, withFilter } from "./filter.ts";

/** `nexus req`: prints events. */
export function reqCommand(): Command {
  return withFilter(new Command("req"))
    .description("Print the events that match, with --json one in each line.")
    .option("--live", "go on with new events until Ctrl-C")
    .addHelpText("after", examples("nexus req -k 1 --limit 10", `nexus req --live --json '{"kinds":[5050]}'`))
    .action(async (texts: string[], _, command: Command) => {
      const options = optionsOf<Parameters<typeof filtersOf>[1] & { live?: boolean }>(command);
      const filters = await filtersOf(texts, options);
      const print = (event: Event) => console.log(options.json ? JSON.stringify(event) : lineOf(event));
      await withConnection(options, (connection) => connection.request(filters, print, options.live));
    });
}

function lineOf({ created_at, kind, pubkey, content, id }: Event): string {
  const author = toBech32("npub", pubkey).slice(0, 16);
  return `${timeOf(created_at)}  ${id.slice(0, 12)}  ${author}  ${String(kind).padStart(5)}  ${shorten(content)}`;
}
