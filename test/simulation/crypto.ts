import { readFileSync } from "node:fs";
import type { Event } from "nostr-tools/pure";
import { createCrypto } from "../../src/protocol/crypto/secp256k1.ts";
import { serializeEvent } from "../../src/protocol/event.ts";
import type { Draft } from "../support/model/drafts.ts";
import type { Key } from "../support/keys.ts";

const WASM = new URL("../../src/protocol/crypto/secp256k1.wasm", import.meta.url);

/** One instance for all relays of this process. */
export const CRYPTO = createCrypto(new WebAssembly.Module(readFileSync(WASM)));

/** Signs in a fiftieth of the time that a library in JavaScript takes; crypto is tested elsewhere. */
export function signFast({ secret, pubkey }: Key, template: Omit<Draft, "by" | "copy" | "fault">): Event {
  const unsigned = { ...template, id: "", pubkey, sig: "" };
  const id = CRYPTO.sha256(serializeEvent(unsigned).hashed);
  const { content, kind, created_at, tags } = template;
  return { id, pubkey, created_at, kind, tags, content, sig: CRYPTO.sign(id, Buffer.from(secret).toString("hex")) };
}
