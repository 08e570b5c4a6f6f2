import { Command } from "commander";
import { membersOf, show } from "../output.ts";
import { examples, management, optionsOf } from "./context.ts";

/** `nexus stats`: the relay's numbers. */
export function statsCommand(): Command {
  return new Command("stats")
    .description("Show the relay's numbers, private kinds included.")
    .addHelpText("after", examples("nexus stats", "nexus stats --json"))
    .action(async (_, command: Command) => {
      const options = optionsOf(command);
      const stats = await (await management(options)).call<object>("stats");
      show(options.json, stats, membersOf(stats));
    });
}
