import { rmSync } from "node:fs";
import { Command } from "commander";
import { crypto } from "../client/crypto.ts";
import { publicKeyOf, toBech32 } from "../client/keys.ts";
import { type Management, Unreachable } from "../client/management.ts";
import { Failure } from "../failure.ts";
import { membersOf, show, showRows } from "../output.ts";
import { change, examples, management, optionsOf } from "./context.ts";
import { newSecret, saveSecret } from "./key.ts";
import { offboard } from "./offboard.ts";

interface Member {
  pubkey: string;
  roles: string[];
  inviter?: string;
  joined_at?: number;
  /** To within a day; now if it is connected. */
  last_seen_at?: number;
  connected?: boolean;
}

/** `nexus member`: who belongs to the relay. */
export function memberCommand(): Command {
  const add = new Command("add")
    .argument("<key>", "npub, hex or name")
    .description("Make a key a member.")
    .addHelpText("after", examples("nexus member add npub1…", "nexus member add ann@example.com"))
    .action(async (text: string, _, command: Command) => {
      const pubkey = await publicKeyOf(text);
      const name = toBech32("npub", pubkey);
      await change(command, "addmember", [pubkey], {
        done: `${name} is a member.`,
        idle: `${name} is a member already.`,
      });
    });
  const make = new Command("new")
    .argument("<file...>", "files for the secret keys; they must not exist yet")
    .description("Make a key for each file, and make it a member: for agents. Only you can read the files.")
    .addHelpText("after", examples("nexus member new agent.key", "nexus member new buyer.key seller.key"))
    .action(async (files: string[], _, command: Command) => {
      const options = optionsOf(command);
      const relay = await management(options);
      const made: { file: string; npub: string }[] = [];
      try {
        for (const file of files) made.push({ file, npub: toBech32("npub", await memberIn(file, relay)) });
      } finally {
        if (made.length > 0) showRows(options.json, made, ["file", "npub"]);
      }
    });
  const remove = new Command("remove")
    .argument("<key>", "npub, hex or name")
    .description("Say what a key has here, and end its membership. What it published stays: nexus ban hides that, too.")
    .option("--yes", "do not ask")
    .addHelpText("after", examples("nexus member remove npub1…", "nexus member remove npub1… --yes"))
    .action(async (text: string, _, command: Command) => {
      const pubkey = await publicKeyOf(text);
      await offboard(command, {
        method: "removemember",
        params: [pubkey],
        pubkey,
        fate: "stay. It loses what members may do, on open connections too",
        done: `${toBech32("npub", pubkey)} is no member any more.`,
        idle: `Nothing to remove: ${toBech32("npub", pubkey)} is no member.`,
      });
    });
  const list = new Command("list")
    .description("List the members.")
    .addHelpText("after", examples("nexus member list", "nexus member list --json"))
    .action(async (_, command: Command) => {
      const options = optionsOf(command);
      const members = await (await management(options)).call<Member[]>("listmembers");
      showRows(options.json, members.map(withNpub), [
        "npub",
        "roles",
        "inviter",
        "joined_at",
        "last_seen_at",
        "connected",
      ]);
    });
  const showOne = new Command("show")
    .argument("<key>", "npub, hex or name")
    .description("Show one member.")
    .addHelpText("after", examples("nexus member show npub1…"))
    .action(async (text: string, _, command: Command) => {
      const options = optionsOf(command);
      const pubkey = await publicKeyOf(text);
      const members = await (await management(options)).call<Member[]>("listmembers");
      const member = members.find((one) => one.pubkey === pubkey);
      if (member === undefined) throw new Failure(`${toBech32("npub", pubkey)} is no member`);
      show(options.json, withNpub(member), membersOf(withNpub(member)));
    });
  const commands = [add, make, remove, list, showOne];
  return commands.reduce(
    (parent, sub) => parent.addCommand(sub),
    new Command("member").description("Add, remove and list members."),
  );
}

/** Makes a key in a new file, and makes it a member. The file of a key that is refused does not stay. */
async function memberIn(file: string, relay: Management): Promise<string> {
  const secret = newSecret();
  const pubkey = crypto.publicKey(secret);
  saveSecret(file, secret);
  await relay.call("addmember", pubkey).catch((error) => {
    // Where no answer came it may be a member.
    if (!(error instanceof Unreachable)) rmSync(file);
    throw error;
  });
  return pubkey;
}

function withNpub(member: Member): Member & { npub: string } {
  return { npub: toBech32("npub", member.pubkey), ...member };
}
