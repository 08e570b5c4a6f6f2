import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { examples } from "./context.ts";

const START = fileURLToPath(new URL("../start.mjs", import.meta.url));

/** `nexus start`: what `npm start` runs, in this process. */
export function startCommand(): Command {
  return new Command("start")
    .description("Start the relay. Its settings come from the environment and the file .env.")
    .addHelpText("after", examples("nexus start", "PORT=7777 nexus start"))
    .action(async () => {
      const args = [process.execPath, "--max-semi-space-size=2", START];
      // The relay gets the flags of `npm start`, and the signals of whoever called.
      if (process.platform !== "win32" && process.execve !== undefined) {
        process.emitWarning = () => {};
        process.execve(process.execPath, args, process.env as Record<string, string>);
      }
      await import("../start.mjs");
    });
}
