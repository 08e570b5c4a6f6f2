import { createCrypto } from "../../protocol/crypto/secp256k1.ts";
import wasm from "../../protocol/crypto/secp256k1.wasm";

/** One for all objects of the isolate: it holds no state between calls. */
export const secp256k1 = createCrypto(wasm);
