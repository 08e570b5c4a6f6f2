import { readFileSync } from "node:fs";
import { isCancel, password } from "@clack/prompts";
import { Failure, messageOf, UsageError } from "../failure.ts";
import { isBunker, openBunker } from "./bunker.ts";
import { KeySigner, type Signer } from "./crypto.ts";
import { secretKeyOf } from "./keys.ts";
import { environment } from "./place.ts";

/** Where the secret key of a command may come from. */
export interface SecretSource {
  keyFile?: string | undefined;
}

/**
 * The secret key that is there without asking, or the URL of the bunker that keeps it: from `--key-file`, `NEXUS_KEY` or
 * the file of `NEXUS_KEY_FILE`.
 */
function knownSecret({ keyFile }: SecretSource): string | undefined {
  if (keyFile === undefined && process.env.NEXUS_KEY) return checked(process.env.NEXUS_KEY, "NEXUS_KEY");
  const file = keyFile ?? environment().NEXUS_KEY_FILE;
  return file === undefined ? undefined : checked(contentOf(file), `the file ${file}`);
}

/** {@link knownSecret}, or else it is asked for. */
async function readSecret(source: SecretSource): Promise<string> {
  const known = knownSecret(source);
  if (known !== undefined) return known;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError("a secret key is needed: give --key-file FILE, or set NEXUS_KEY or NEXUS_KEY_FILE");
  }
  const answer = await password({
    message: "Secret key (nsec or hex), or the bunker:// URL of one",
    output: process.stderr,
    validate: (text) => (secretOf(text ?? "") === undefined ? "That is no secret key." : undefined),
  });
  if (isCancel(answer)) throw new Failure("no key was given");
  return checked(answer, "the answer");
}

/** What signs for a command that needs a key. */
export async function readSigner(source: SecretSource): Promise<Signer> {
  return signerOf(await readSecret(source));
}

/** What signs for commands that may do without a login. */
export async function knownSigner(source: SecretSource): Promise<Signer | undefined> {
  const secret = knownSecret(source);
  return secret === undefined ? undefined : signerOf(secret);
}

/** What signs for the other relay of a sync, where that is another key. */
export async function knownPeerSigner({ peerKeyFile }: { peerKeyFile?: string }): Promise<Signer | undefined> {
  if (peerKeyFile !== undefined) return signerOf(checked(contentOf(peerKeyFile), `the file ${peerKeyFile}`));
  const { NEXUS_PEER_KEY } = process.env;
  return NEXUS_PEER_KEY ? signerOf(checked(NEXUS_PEER_KEY, "NEXUS_PEER_KEY")) : undefined;
}

async function signerOf(secret: string): Promise<Signer> {
  return isBunker(secret) ? openBunker(secret) : new KeySigner(secret);
}

/** A secret key as hex, or the URL of a bunker. */
function secretOf(text: string): string | undefined {
  return isBunker(text.trim()) ? text.trim() : secretKeyOf(text.trim());
}

function contentOf(file: string): string {
  if (secretOf(file) !== undefined) {
    throw new UsageError("a file with the key belongs here, not the key: write it into a file, or set NEXUS_KEY to it");
  }
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure(`the key file cannot be read: ${messageOf(error)}`);
  }
}

function checked(text: string, where: string): string {
  const secret = secretOf(text);
  if (secret === undefined) {
    throw new Failure(`${where} holds no secret key: it must be an nsec, 64 hex digits or a bunker:// URL`);
  }
  return secret;
}
