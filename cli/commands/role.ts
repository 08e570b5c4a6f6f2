import { Command } from "commander";
import { publicKeyOf } from "../client/keys.ts";
import { showRows } from "../output.ts";
import { change, examples, management, optionsOf } from "./context.ts";
import { wholeNumber } from "./filter.ts";

interface Look {
  label?: string;
  description?: string;
  color?: string;
  order?: number;
}

/** `nexus role`: labels of members. */
export function roleCommand(): Command {
  const parent = new Command("role").description("Make roles, and give them to members.");
  for (const verb of ["create", "edit"] as const) parent.addCommand(lookCommand(verb));
  const remove = new Command("delete")
    .argument("<role>", "id of the role")
    .description("Delete a role.")
    .addHelpText("after", examples("nexus role delete agent"))
    .action((role: string, _, command: Command) =>
      change(command, "deleterole", [role], { idle: "Nothing to delete: there is no such role." }),
    );
  const list = new Command("list")
    .description("List the roles.")
    .addHelpText("after", examples("nexus role list"))
    .action(async (_, command: Command) => {
      const options = optionsOf(command);
      const roles = await (await management(options)).call<object[]>("listroles");
      showRows(options.json, roles, ["id", "label", "description", "color", "order"]);
    });
  parent.addCommand(remove).addCommand(list);
  for (const verb of ["assign", "unassign"] as const) {
    const give = new Command(verb)
      .argument("<key>", "npub, hex or name")
      .argument("<role>", "id of the role")
      .description(verb === "assign" ? "Give a key a role; it becomes a member." : "Take a role from a member.")
      .addHelpText("after", examples(`nexus role ${verb} npub1… agent`))
      .action(async (text: string, role: string, _, command: Command) =>
        change(command, `${verb}role`, [await publicKeyOf(text), role], {
          idle:
            verb === "assign" ? "The key has the role already." : "Nothing to take: the key does not have the role.",
        }),
      );
    parent.addCommand(give);
  }
  return parent;
}

function lookCommand(verb: "create" | "edit"): Command {
  return new Command(verb)
    .argument("<role>", "id of the role")
    .description(verb === "create" ? "Make a role." : "Change a role. What is not given is removed.")
    .option("--label <text>", "its name for people")
    .option("--description <text>", "what it means")
    .option("--color <color>", "its color")
    .option("--order <number>", "its place among the roles", wholeNumber)
    .addHelpText("after", examples(`nexus role ${verb} agent --label Agent --order 2`))
    .action(async (role: string, _, command: Command) => {
      const { label, description, color, order } = optionsOf<Look>(command);
      await change(command, `${verb}role`, [role, label, description, color, order]);
    });
}
