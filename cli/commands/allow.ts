import { Command } from "commander";
import { UsageError } from "../failure.ts";
import { showRows } from "../output.ts";
import { subjectOf } from "./ban.ts";
import { change, examples, management, optionsOf } from "./context.ts";
import { wholeNumber } from "./filter.ts";

interface Flags {
  kind?: number;
  event?: boolean;
  reason?: string;
  remove?: boolean;
}

/** `nexus allow`: the lists of what is allowed. */
export function allowCommand(): Command {
  return new Command("allow")
    .argument("[subject]", "npub, hex or name; note or nevent")
    .description("Allow a key, an event or a kind. Without one, list what is allowed by name.")
    .option("--kind <number>", "a kind", wholeNumber)
    .option("--event", "the 64 hex digits are the id of an event")
    .option("--reason <text>", "why, for the lists")
    .option("--remove", "remove it from the list; a kind is refused from then on")
    .addHelpText(
      "after",
      examples("nexus allow npub1…", "nexus allow --kind 1", "nexus allow npub1… --remove", "nexus allow"),
    )
    .action(async (text: string | undefined, _, command: Command) => {
      const options = optionsOf<Flags>(command);
      const { kind, remove, reason = "" } = options;
      if (kind !== undefined) return change(command, remove ? "disallowkind" : "allowkind", [kind]);
      if (text === undefined) return list(command);
      const { what, value } = await subjectOf(text, options);
      if (what === "ip") throw new UsageError("addresses are only banned and unbanned");
      const noun = what === "key" ? "pubkey" : "event";
      if (!remove) return change(command, `allow${noun}`, [value, reason]);
      await change(command, `unallow${noun}`, [value], { idle: "Nothing to remove: it is not on the list." });
    });
}

async function list(command: Command): Promise<void> {
  const options = optionsOf(command);
  const relay = await management(options);
  const keys = await relay.call<{ pubkey: string; reason?: string }[]>("listallowedpubkeys");
  const events = await relay.call<{ id: string; reason?: string }[]>("listallowedevents");
  const kinds = await relay.call<number[]>("listallowedkinds");
  const rows = [
    ...keys.map(({ pubkey, reason }) => ({ what: "key", subject: pubkey, reason })),
    ...events.map(({ id, reason }) => ({ what: "event", subject: id, reason })),
    ...kinds.map((kind) => ({ what: "kind", subject: String(kind) })),
  ];
  showRows(options.json, rows, ["what", "subject", "reason"]);
}
