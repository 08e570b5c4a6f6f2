import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { crypto } from "../client/crypto.ts";
import { eventIdOf, fromBech32, publicKeyOf, toBech32 } from "../client/keys.ts";
import { readSigner } from "../client/secret.ts";
import { Failure, messageOf } from "../failure.ts";
import { membersOf, show } from "../output.ts";
import { examples, optionsOf } from "./context.ts";

/** `nexus key`: makes keys and shows their forms. */
export function keyCommand(): Command {
  const make = new Command("new")
    .description("Make a key.")
    .option("--out <file>", "write the secret key into a new file that only you can read, and do not print it")
    .addHelpText("after", examples("nexus key new", "nexus key new --out agent.key"))
    .action((_, command: Command) => {
      const { json, out } = optionsOf<{ out?: string }>(command);
      const secret = newSecret();
      const pubkey = crypto.publicKey(secret);
      if (out !== undefined) saveSecret(out, secret);
      const shown = out === undefined ? { nsec: toBech32("nsec", secret), secret } : { file: out };
      const key = { npub: toBech32("npub", pubkey), pubkey, ...shown };
      show(json, key, membersOf(key));
    });
  const convert = new Command("convert")
    .argument("[key]", "npub, hex, name or note; without it the public key of the secret key that is at hand")
    .description("Show a key or an id in its forms. It never shows a secret key.")
    .addHelpText("after", examples("nexus key convert npub1…", "nexus key convert --key-file agent.key"))
    .action(async (text: string | undefined, _, command: Command) => {
      const options = optionsOf(command);
      const isEvent = text !== undefined && ["note", "nevent"].includes(fromBech32(text)?.prefix ?? "");
      if (isEvent) {
        const id = eventIdOf(text) as string;
        const shown = { note: toBech32("note", id), id };
        return show(options.json, shown, membersOf(shown));
      }
      const pubkey = text === undefined ? (await readSigner(options)).pubkey : await publicKeyOf(text);
      const shown = { npub: toBech32("npub", pubkey), pubkey };
      show(options.json, shown, membersOf(shown));
    });
  return new Command("key").description("Make and convert keys.").addCommand(make).addCommand(convert);
}

/** A fresh secret key, as 64 hex digits. */
export function newSecret(): string {
  const secret = randomBytes(32).toString("hex");
  try {
    crypto.publicKey(secret);
    return secret;
  } catch {
    return newSecret();
  }
}

/** Writes a secret key into a file that must not exist yet, for its owner only. */
export function saveSecret(file: string, secret: string): void {
  try {
    writeFileSync(file, `${toBech32("nsec", secret)}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new Failure(`${file} is there already: give another name, or keep that key elsewhere first`);
    throw new Failure(`the key file cannot be written: ${messageOf(error)}`);
  }
}
