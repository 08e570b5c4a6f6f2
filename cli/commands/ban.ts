import { isIP } from "node:net";
import { Command } from "commander";
import { eventIdOf, fromBech32, publicKeyOf, toBech32 } from "../client/keys.ts";
import { showRows } from "../output.ts";
import { change, examples, management, optionsOf } from "./context.ts";
import { eventId } from "./filter.ts";
import { offboard } from "./offboard.ts";

interface Flags {
  event?: boolean;
  reason?: string;
}

/** What a ban is about, with the ending of its methods. */
interface Subject {
  what: "key" | "event" | "ip";
  value: string;
}

const METHODS = {
  ban: { key: "banpubkey", event: "banevent", ip: "blockip" },
  unban: { key: "unbanpubkey", event: "unbanevent", ip: "unblockip" },
  list: { key: "listbannedpubkeys", event: "listbannedevents", ip: "listblockedips" },
};

const SUBJECT = "npub, hex or name; note or nevent; IP address or prefix";

/** `nexus ban`: keys, events and addresses; without one, the bans. */
export function banCommand(): Command {
  return new Command("ban")
    .argument("[subject]", SUBJECT)
    .description("Ban a key, an event or an IP address. What a key has here is said first. Without one, list the bans.")
    .option("--event", "the 64 hex digits are the id of an event")
    .option("--reason <text>", "why, for the lists")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      examples("nexus ban npub1… --reason spam", "nexus ban note1…", "nexus ban 203.0.113.7", "nexus ban"),
    )
    .action(async (text: string | undefined, _, command: Command) => {
      const options = optionsOf<Flags>(command);
      if (text !== undefined) {
        const subject = await subjectOf(text, options);
        const { what, value } = subject;
        const [method, params] = [METHODS.ban[what], [value, options.reason ?? ""]];
        const done = `Banned ${nameOf(subject)}.`;
        const idle = `${nameOf(subject)} is banned already.`;
        if (what !== "key") return change(command, method, params, { done, idle });
        const fate = "are hidden now and erased later. It can do nothing here any more";
        return offboard(command, {
          method,
          params,
          pubkey: value,
          fate,
          done: `${done} A ban ends the membership.`,
          idle,
        });
      }
      const relay = await management(options);
      const rows: object[] = [];
      for (const what of ["key", "event", "ip"] as const) {
        const entries = await relay.call<{ pubkey?: string; id?: string; ip?: string; reason?: string }[]>(
          METHODS.list[what],
        );
        rows.push(
          ...entries.map(({ pubkey, id, ip, reason }) => {
            const value = pubkey ?? id ?? ip ?? "";
            return { what, subject: options.json ? value : nameOf({ what, value }), reason };
          }),
        );
      }
      showRows(options.json, rows, ["what", "subject", "reason"]);
    });
}

/** `nexus unban`: takes a ban back. */
export function unbanCommand(): Command {
  return new Command("unban")
    .argument("<subject>", SUBJECT)
    .description("Take a ban back.")
    .option("--event", "the 64 hex digits are the id of an event")
    .addHelpText("after", examples("nexus unban npub1…", "nexus unban 203.0.113.7"))
    .action(async (text: string, _, command: Command) => {
      const subject = await subjectOf(text, optionsOf<Flags>(command));
      const { what, value } = subject;
      const joins = what === "key" ? "\nIf it was a member: invite it again, or add it (nexus member add)." : "";
      const done = `The ban of ${nameOf(subject)} is lifted.${joins}`;
      const idle = `Nothing to lift: ${nameOf(subject)} is not banned.`;
      await change(command, METHODS.unban[what], [value], { done, idle });
    });
}

/** A subject as people write it. */
function nameOf({ what, value }: Subject): string {
  return what === "ip" ? value : toBech32(what === "key" ? "npub" : "note", value);
}

/** What somebody means by a text: a key, unless it is certainly something else. */
export async function subjectOf(text: string, { event }: Flags): Promise<Subject> {
  if (event) return { what: "event", value: eventId(text) };
  if (isIP(text.split("/")[0] ?? "") !== 0) return { what: "ip", value: text };
  const prefix = fromBech32(text)?.prefix;
  if (prefix === "note" || prefix === "nevent") return { what: "event", value: eventIdOf(text) as string };
  return { what: "key", value: await publicKeyOf(text) };
}
