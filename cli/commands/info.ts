import { Command } from "commander";
import { informationOf } from "../client/information.ts";
import { placeOf } from "../client/place.ts";
import { membersOf, show } from "../output.ts";
import { examples, optionsOf } from "./context.ts";

/** `nexus info`: what a relay says about itself. */
export function infoCommand(): Command {
  return new Command("info")
    .argument("[url]", "the relay")
    .description("Show what a relay says about itself (NIP-11).")
    .addHelpText("after", examples("nexus info", "nexus info wss://relay.example.com"))
    .action(async (url: string | undefined, _, command: Command) => {
      const { relay, json } = optionsOf(command);
      const { information } = await informationOf(placeOf(url ?? relay).url);
      show(json, information, membersOf(information));
    });
}
