import { Command } from "commander";
import type { SettingFacts } from "../../src/relay/config/settings.ts";
import { VARIABLES } from "../../src/relay/config/variables.ts";
import { UsageError } from "../failure.ts";
import { nearMisses } from "../near-misses.mjs";
import { membersOf, shorten, show, showRows } from "../output.ts";
import { change, examples, management, optionsOf } from "./context.ts";

/** Characters of what a relay says of a value at most. */
const MAX_PROBLEM = 500;

/** `nexus settings`: the settings of a running relay. */
export function settingsCommand(): Command {
  const list = new Command("list")
    .description("List the settings with their values, and where each value comes from.")
    .option("--changed", "only those that are not at their default")
    .addHelpText(
      "after",
      examples("nexus settings list", "nexus settings list --changed", "nexus settings list --json"),
    )
    .action(async (_, command: Command) => {
      const options = optionsOf<{ changed?: boolean }>(command);
      const all = await (await management(options)).call<SettingFacts[]>("listsettings");
      const rows = options.changed ? all.filter(({ source }) => source !== "default") : all;
      showRows(options.json, rows, ["group", "name", "value", "source"]);
      if (!options.json)
        for (const { name, problem } of rows) if (problem !== undefined) console.log(leftOut(name, problem));
    });
  const get = new Command("get")
    .argument("<name>", "as it stands in the list")
    .description("Show a setting: its value, the values that it takes, and what it means.")
    .addHelpText("after", examples("nexus settings get MAX_SUBSCRIPTIONS"))
    .action(async (name: string, _, command: Command) => {
      const options = optionsOf(command);
      const fact = await (await management(options)).call<SettingFacts>("getsetting", nameOf(name));
      const { form: _form, unset, default: _default, ...facts } = fact;
      show(options.json, fact, membersOf({ ...facts, default: unset }));
    });
  const set = new Command("set")
    .argument("<name>", "as it stands in the list")
    .argument("<value>", "as in the environment; an empty text for the default")
    .description("Change a setting of the running relay. It counts at once, and after a restart.")
    .addHelpText("after", examples("nexus settings set READ_ACCESS members", "nexus settings set MAX_LIMIT 500"))
    .action(async (name: string, value: string, _, command: Command) =>
      change(command, "setsetting", [nameOf(name), value], { done: `${nameOf(name)} is set.` }),
    );
  const unset = new Command("unset")
    .argument("<name>", "as it stands in the list")
    .description("Take a change back: what the relay was started with counts again.")
    .addHelpText("after", examples("nexus settings unset READ_ACCESS"))
    .action(async (name: string, _, command: Command) =>
      change(command, "unsetsetting", [nameOf(name)], { done: `${nameOf(name)} is what the relay was started with.` }),
    );
  const parent = new Command("settings").description("List and change the settings of a running relay.");
  for (const sub of [list, get, set, unset]) parent.addCommand(sub);
  return parent;
}

/** What to do about a stored value that does not count. */
function leftOut(name: string, problem: string): string {
  const why = shorten(`The value that is stored for ${name} does not count: ${problem}.`, MAX_PROBLEM);
  return `\n${why}\nSet it again, or: nexus settings unset ${shorten(name)}`;
}

/** The name of a setting in any case. One that this version does not know may be the relay's, unless it looks like a slip. */
function nameOf(text: string): string {
  const name = text.toUpperCase();
  const [near] = nearMisses([name], Object.keys(VARIABLES));
  if (near !== undefined) throw new UsageError(`there is no setting ${name}, is ${near.meant} meant?`);
  return name;
}
