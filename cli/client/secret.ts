import { readFileSync } from "node:fs";
import { isCancel, password } from "@clack/prompts";
import { Failure, messageOf, UsageError } from "../failure.ts";
import { Signer } from "./crypto.ts";
import { secretKeyOf } from "./keys.ts";
import { environment } from "./place.ts";

/** Where the secret key of a command may come from. */
export interface SecretSource {
  keyFile?: string | undefined;
}

/** The secret key that is there without asking: from `--key-file`, `NEXUS_KEY` or the file of `NEXUS_KEY_FILE`. */
export function knownSecret({ keyFile }: SecretSource): string | undefined {
  if (keyFile === undefined && process.env.NEXUS_KEY) return checked(process.env.NEXUS_KEY, "NEXUS_KEY");
  const file = keyFile ?? environment().NEXUS_KEY_FILE;
  return file === undefined ? undefined : checked(contentOf(file), `the file ${file}`);
}

/** The secret key that a command acts with: {@link knownSecret}, or else it is asked for. */
export async function readSecret(source: SecretSource): Promise<string> {
  const known = knownSecret(source);
  if (known !== undefined) return known;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError("a secret key is needed: give --key-file FILE, or set NEXUS_KEY or NEXUS_KEY_FILE");
  }
  const answer = await password({
    message: "Secret key (nsec or hex)",
    output: process.stderr,
    validate: (text) => (secretKeyOf(text?.trim() ?? "") === undefined ? "That is no secret key." : undefined),
  });
  if (isCancel(answer)) throw new Failure("no key was given");
  return checked(answer, "the answer");
}

/** {@link readSecret}, as what signs with it. */
export async function readSigner(source: SecretSource): Promise<Signer> {
  return new Signer(await readSecret(source));
}

/** What signs for commands that may do without a login. */
export function knownSigner(source: SecretSource): Signer | undefined {
  const secret = knownSecret(source);
  return secret === undefined ? undefined : new Signer(secret);
}

/** What signs for the other relay of a sync, where that is another key. */
export function knownPeerSigner({ peerKeyFile }: { peerKeyFile?: string | undefined }): Signer | undefined {
  if (peerKeyFile !== undefined) return new Signer(checked(contentOf(peerKeyFile), `the file ${peerKeyFile}`));
  const { NEXUS_PEER_KEY } = process.env;
  return NEXUS_PEER_KEY ? new Signer(checked(NEXUS_PEER_KEY, "NEXUS_PEER_KEY")) : undefined;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure(`the key file cannot be read: ${messageOf(error)}`);
  }
}

function checked(text: string, where: string): string {
  const secret = secretKeyOf(text.trim());
  if (secret === undefined) throw new Failure(`${where} holds no secret key: it must be an nsec or 64 hex digits`);
  return secret;
}
