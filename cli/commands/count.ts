import { Command } from "commander";
import { show } from "../output.ts";
import { examples, optionsOf, withConnection } from "./context.ts";
import { filtersOf, withFilter } from "./filter.ts";

/** `nexus count`: counts events. */
export function countCommand(): Command {
  return withFilter(new Command("count"))
    .description("Count the events that match (NIP-45).")
    .addHelpText("after", examples("nexus count -k 1", "nexus count -a ann@example.com --since 2026-01-01"))
    .action(async (texts: string[], _, command: Command) => {
      const options = optionsOf<Parameters<typeof filtersOf>[1]>(command);
      const filters = await filtersOf(texts, options);
      const answer = await withConnection(options, (connection) => connection.count(filters));
      show(options.json, answer, `${answer.approximate ? "about " : ""}${answer.count}`);
    });
}
