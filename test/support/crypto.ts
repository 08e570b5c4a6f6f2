import { readFileSync } from "node:fs";
import { createCrypto } from "../../src/protocol/crypto/secp256k1.ts";

const path = new URL("../../src/protocol/crypto/secp256k1.wasm", import.meta.url);

/** The cryptography of the relay, for tests in Node. */
export const secp256k1 = createCrypto(new WebAssembly.Module(readFileSync(path)));
