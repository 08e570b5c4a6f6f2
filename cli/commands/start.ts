import { Command } from "commander";
import { examples } from "./context.ts";

/** `nexus start`: what `npm start` runs, in this process. */
export function startCommand(): Command {
  return new Command("start")
    .description("Start the relay. Its settings come from the environment and the file .env.")
    .addHelpText("after", examples("nexus start", "PORT=7777 nexus start"))
    .action(async () => void (await import("../start.mjs")));
}
