import { Command } from "commander";
import { showRows } from "../output.ts";
import { change, examples, management, optionsOf } from "./context.ts";
import { eventId } from "./filter.ts";

/** `nexus report`: reported events, which wait for a moderator. */
export function reportCommand(): Command {
  const parent = new Command("report").description("Judge reported events (NIP-56).");
  const list = new Command("list")
    .description("List the events that wait for a moderator.")
    .addHelpText("after", examples("nexus report list"))
    .action(async (_, command: Command) => {
      const options = optionsOf(command);
      const events = await (await management(options)).call<object[]>("listeventsneedingmoderation");
      showRows(options.json, events, ["id", "reason"]);
    });
  parent.addCommand(list);
  for (const verb of ["allow", "ban"] as const) {
    const judge = new Command(verb)
      .argument("<event>", "note, nevent or hex")
      .argument("[reason]", "why, for the lists")
      .description(verb === "allow" ? "Nothing is wrong with the event." : "Ban the event.")
      .addHelpText("after", examples(`nexus report ${verb} note1…`))
      .action((text: string, reason: string | undefined, _, command: Command) =>
        change(command, `${verb}event`, [eventId(text), reason ?? ""]),
      );
    parent.addCommand(judge);
  }
  return parent;
}
