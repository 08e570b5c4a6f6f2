import { Command } from "commander";
import { publicKeyOf } from "../client/keys.ts";
import { showRows } from "../output.ts";
import { change, examples, management, optionsOf } from "./context.ts";

/** `nexus admin`: who may manage the relay. */
export function adminCommand(): Command {
  const parent = new Command("admin").description("Let keys manage the relay. For operators.");
  for (const verb of ["add", "remove"] as const) {
    const command = new Command(verb)
      .argument("<key>", "npub, hex or name")
      .argument("[methods...]", "methods of NIP-86; without any, all that can be granted")
      .description(verb === "add" ? "Let a key call methods." : "Take methods from a key.")
      .addHelpText("after", examples(`nexus admin ${verb} npub1…`, `nexus admin ${verb} npub1… banpubkey banevent`))
      .action(async (text: string, methods: string[], _, command: Command) => {
        const params = [await publicKeyOf(text), methods];
        if (verb === "add") return change(command, "grantadmin", params);
        await change(command, "revokeadmin", params, { idle: "Nothing to remove: the key has no such grant." });
      });
    parent.addCommand(command);
  }
  const list = new Command("list")
    .description("List operators and admins.")
    .addHelpText("after", examples("nexus admin list"))
    .action(async (_, command: Command) => {
      const options = optionsOf(command);
      const admins = await (await management(options)).call<object[]>("listadmins");
      showRows(options.json, admins, ["pubkey", "methods"]);
    });
  return parent.addCommand(list);
}
