import { Command, CommanderError } from "commander";
import { VERSION } from "../src/hosts/version.ts";
import { closeBunkers } from "./client/bunker.ts";
import { examples } from "./commands/context.ts";
import { commands } from "./commands/index.ts";
import { Failure, messageOf, UsageError, withoutSecrets } from "./failure.ts";
import { showFailure } from "./output.ts";
import { StartError } from "./settings.mjs";

/** Runs the command line; resolves to the exit code: 0 done, 1 refused or failed, 2 called wrongly. */
export async function run(args: readonly string[]): Promise<number> {
  const program = programOf();
  try {
    await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const isKnown = error instanceof Failure || error instanceof UsageError || error instanceof StartError;
    showFailure(args.includes("--json"), messageOf(error), isKnown ? undefined : error);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    closeBunkers();
  }
}

/** What is called wrongly is repeated, and may be a secret. */
const OUTPUT = { outputError: (text: string, write: (text: string) => void) => write(withoutSecrets(text)) };

function programOf(): Command {
  const program = new Command("nexus")
    .description("Runs, manages and uses a Nexus relay.")
    .version(VERSION)
    .option("--relay <url>", "the relay (default: NEXUS_RELAY, or the one on this machine)")
    .option(
      "--key-file <file>",
      "file with the secret key: nsec, hex or bunker:// (default: NEXUS_KEY, NEXUS_KEY_FILE)",
    )
    .option("--json", "print JSON, for programs")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput(OUTPUT)
    .showHelpAfterError("(--help shows how)")
    .addHelpText("after", examples("nexus init", "nexus start", "nexus invite new", "nexus member add ann@example.com"))
    .exitOverride();
  for (const command of commands()) program.addCommand(inherit(command));
  return program;
}

/** Settings of the program that commands made apart from it lack. */
function inherit(command: Command): Command {
  command.configureHelp({ showGlobalOptions: true }).showHelpAfterError("(--help shows how)").exitOverride();
  command.configureOutput(OUTPUT);
  for (const sub of command.commands) inherit(sub);
  return command;
}
