import { schnorr } from "@noble/curves/secp256k1.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { expect, test } from "vitest";
import { createCrypto } from "../../src/protocol/crypto/secp256k1.ts";
import wasm from "../../src/protocol/crypto/secp256k1.wasm";

const crypto = createCrypto(wasm);
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const toHex = (value: bigint) => value.toString(16).padStart(64, "0");

/** Secret and public keys of the BIP-340 test vectors 0 to 3. */
test.each([
  [toHex(3n), "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"],
  [
    "b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef",
    "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
  ],
  [
    "c90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b14e5c9",
    "dd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8",
  ],
  [
    "0b432b2677937381aef05bb02a66ecd012773062cf3fa2549e44f58ed2401710",
    "25d1dff95105f5253c4022f628a996ad3a0d95fbf21d468a1b33f8c160d8f517",
  ],
])("R-02-09 the public key of secret %s", (secret, pubkey) => {
  expect(crypto.publicKey(secret)).toBe(pubkey);
});

test("R-02-09 what is signed verifies here and with @noble/curves, and no signature comes twice", () => {
  const signatures = new Set<string>();
  for (let n = 1n; n <= 200n; n++) {
    const secret = toHex((n * n * n * 0x9e3779b97f4a7c15f39cc0605cedc834n) % N);
    const id = toHex(N - n);
    const pubkey = bytesToHex(schnorr.getPublicKey(hexToBytes(secret)));
    const sig = crypto.sign(id, secret);
    expect(crypto.publicKey(secret)).toBe(pubkey);
    expect(schnorr.verify(hexToBytes(sig), hexToBytes(id), hexToBytes(pubkey)), `key ${n}`).toBe(true);
    expect(crypto.verify(sig, id, pubkey)).toBe(true);
    signatures.add(sig).add(crypto.sign(id, secret));
  }
  expect(signatures.size).toBe(400);
});

test.each([0n, N, N + 1n, 2n ** 256n - 1n])(
  "R-02-09 %i is no secret key: it has no public key and signs nothing",
  (n) => {
    expect(() => crypto.publicKey(toHex(n))).toThrow("not a secret key");
    expect(() => crypto.sign(toHex(1n), toHex(n))).toThrow("not a secret key");
    // And it leaves no trace.
    expect(crypto.publicKey(toHex(1n))).toBe("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  },
);
