import { Command } from "commander";
import { showRows } from "../output.ts";
import { examples, management, optionsOf } from "./context.ts";
import { wholeNumber } from "./filter.ts";

/** `nexus audit`: who changed what. */
export function auditCommand(): Command {
  return new Command("audit")
    .description("List the latest changes by management.")
    .option("--limit <number>", "changes at most", wholeNumber, 100)
    .option("--before <position>", "go on behind this position", wholeNumber)
    .addHelpText("after", examples("nexus audit --limit 20", "nexus audit --before 1234 --json"))
    .action(async (_, command: Command) => {
      const options = optionsOf<{ limit: number; before?: number }>(command);
      const relay = await management(options);
      const changes = await relay.call<object[]>("listaudit", options.before, options.limit);
      const columns = Object.keys(changes[0] ?? {});
      showRows(options.json, changes, columns);
    });
}
