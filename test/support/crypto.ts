import { readFileSync } from "node:fs";
import { type Crypto, createCrypto } from "../../src/protocol/crypto/secp256k1.ts";

/** The relay's cryptography, for tests in Node. */
export function loadCrypto(): Crypto {
  const path = new URL("../../src/protocol/crypto/secp256k1.wasm", import.meta.url);
  return createCrypto(new WebAssembly.Module(readFileSync(path)));
}
