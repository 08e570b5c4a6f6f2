import { createCrypto } from "../../src/protocol/crypto/secp256k1.ts";
import wasm from "../../src/protocol/crypto/secp256k1.wasm";

/** The cryptography of the relay, for tests that need it without a relay. */
export const secp256k1 = createCrypto(wasm);
