import { schnorr } from "@noble/curves/secp256k1.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { expect, test } from "vitest";
import { createCrypto, type Signature } from "../../src/protocol/crypto/secp256k1.ts";
import wasm from "../../src/protocol/crypto/secp256k1.wasm";
import { Random } from "../support/random.ts";

// Batches against single checks, and both against @noble/curves. A failure prints the seed: set it here to repeat it.
const SEED = Math.floor(Math.random() * 2 ** 32);
const CASES = 2000;

const crypto = createCrypto(wasm);
const P = 2n ** 256n - 2n ** 32n - 977n;
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const toHex = (value: bigint) => value.toString(16).padStart(64, "0");
const big = (hex: string) => BigInt(`0x${hex}`);

function nobleVerify({ sig, id, pubkey }: Signature): boolean {
  return schnorr.verify(hexToBytes(sig), hexToBytes(id), hexToBytes(pubkey));
}

function single({ sig, id, pubkey }: Signature): boolean {
  return crypto.verify(sig, id, pubkey);
}

function randomHex(random: Random): string {
  return Array.from({ length: 64 }, () => random.int(0, 15).toString(16)).join("");
}

function right(random: Random, secret = randomHex(random)): Signature {
  const id = randomHex(random);
  return { sig: crypto.sign(id, secret), id, pubkey: crypto.publicKey(secret) };
}

function flipped(random: Random, hex: string): string {
  const at = random.int(0, hex.length - 1);
  const digit = Number.parseInt(hex.charAt(at), 16) ^ (1 << random.int(0, 3));
  return hex.slice(0, at) + digit.toString(16) + hex.slice(at + 1);
}

type Malleate = (from: Signature, random: Random) => Signature;
const withS = (from: Signature, s: bigint): Signature => ({ ...from, sig: from.sig.slice(0, 64) + toHex(s) });
const withR = (from: Signature, r: string): Signature => ({ ...from, sig: r + from.sig.slice(64) });
const sOf = ({ sig }: Signature) => big(sig.slice(64));

const MALLEATE: Record<string, Malleate> = {
  "a bit of sig": (from, random) => ({ ...from, sig: flipped(random, from.sig) }),
  "a bit of id": (from, random) => ({ ...from, id: flipped(random, from.id) }),
  "a bit of pubkey": (from, random) => ({ ...from, pubkey: flipped(random, from.pubkey) }),
  "s negated": (from) => withS(from, N - sOf(from)),
  "s zero": (from) => withS(from, 0n),
  "s one more": (from) => withS(from, (sOf(from) + 1n) % N),
  "s not below n": (from, random) => withS(from, N + BigInt(random.int(0, 1000))),
  "r zero": (from) => withR(from, "0".repeat(64)),
  "r not below p": (from, random) => withR(from, toHex(P + BigInt(random.int(0, 900)))),
  "r random, on the curve or not": (from, random) => withR(from, randomHex(random)),
  "pubkey random, on the curve or not": (from, random) => ({ ...from, pubkey: randomHex(random) }),
  "pubkey not below p": (from, random) => ({ ...from, pubkey: toHex(P + BigInt(random.int(0, 900))) }),
  "pubkey for r": (from) => withR(from, from.pubkey),
  "r and s swapped": (from) => ({ ...from, sig: from.sig.slice(64) + from.sig.slice(0, 64) }),
  "id of another": (from, random) => ({ ...from, id: randomHex(random) }),
  nothing: (from) => from,
};

test(`R-02-09 ${CASES} right and malleated signatures: the verdict of @noble/curves, alone and in batches (seed ${SEED})`, () => {
  const random = new Random(SEED);
  const names = Object.keys(MALLEATE);
  const cases = Array.from({ length: CASES }, (_, i) => {
    const name = names[i % names.length] as string;
    const signature = (MALLEATE[name] as Malleate)(right(random), random);
    const isRight = nobleVerify(signature);
    expect(single(signature), `${name} ${JSON.stringify(signature)}`).toBe(isRight);
    return { signature, isRight };
  });
  const good = cases.filter(({ isRight }) => isRight).map(({ signature }) => signature);
  expect(good.length).toBeGreaterThanOrEqual(Math.floor(CASES / names.length));
  for (const { signature, isRight } of cases) {
    const batch = random.shuffle([signature, ...random.some(good, 1, 4)]);
    expect(crypto.verifyAll(batch), JSON.stringify(batch)).toBe(isRight);
  }
  for (let round = 0; round < 50; round++) expect(crypto.verifyAll(random.some(good, 1, 100))).toBe(true);
});

test("R-02-09 a batch of none verifies, a batch of one as a single check does", () => {
  const random = new Random(1);
  const one = right(random);
  expect(crypto.verifyAll([])).toBe(true);
  expect(crypto.verifyAll([one])).toBe(true);
  expect(crypto.verifyAll([withS(one, (sOf(one) + 1n) % N)])).toBe(false);
});

test.each([2, 3, 17, 64, 65, 130])(
  "R-02-09 one wrong at any place of %i: the batch fails, single checks find it",
  (n) => {
    const random = new Random(n);
    const batch = Array.from({ length: n }, () => right(random));
    expect(crypto.verifyAll(batch)).toBe(true);
    for (let at = 0; at < n; at++) {
      const wrong = batch.with(at, withS(batch[at] as Signature, (sOf(batch[at] as Signature) + 1n) % N));
      expect(crypto.verifyAll(wrong), `at ${at}`).toBe(false);
      if (at % 16 === 0) expect(wrong.map(single).indexOf(false)).toBe(at);
    }
  },
);

test("R-02-09 errors that cancel out in a plain sum do not in a batch", () => {
  const random = new Random(2);
  for (let round = 0; round < 20; round++) {
    const [a, b] = [right(random), right(random)];
    const d = big(randomHex(random)) % N;
    const batch = [withS(a, (sOf(a) + d) % N), withS(b, (sOf(b) + N - d) % N)];
    expect(crypto.verifyAll(batch)).toBe(false);
    // Nor does it help that both are by one key, or that the wrong parts are exchanged.
    const [c, e] = [right(random, toHex(7n)), right(random, toHex(7n))];
    expect(crypto.verifyAll([withS(c, sOf(e)), withS(e, sOf(c))])).toBe(false);
    expect(
      crypto.verifyAll([
        { ...c, id: e.id },
        { ...e, id: c.id },
      ]),
    ).toBe(false);
  }
});

/** A signature with a nonce of one's choice, which BIP-340 forbids for the sake of the signer. */
function withNonce(secret: bigint, nonce: bigint, id: string): Signature {
  const [d, k] = [evenScalar(secret), evenScalar(nonce)];
  const pubkey = crypto.publicKey(toHex(secret));
  const r = crypto.publicKey(toHex(nonce));
  const e = big(bytesToHex(schnorr.utils.taggedHash("BIP0340/challenge", hexToBytes(r + pubkey + id)))) % N;
  return { sig: r + toHex((k + e * d) % N), id, pubkey };
}

/** The scalar or its negative: whose point has an even y. */
function evenScalar(scalar: bigint): bigint {
  return schnorr.Point.BASE.multiply(scalar).y % 2n === 0n ? scalar : N - scalar;
}

test("R-02-09 equal, opposite and related points in one batch", () => {
  const random = new Random(3);
  const secret = 0x1234567n;
  // Nonces that make R the key itself, its negative, multiples that its table holds, and one R for all.
  const nonces = [secret, N - secret, 2n * secret, 3n * secret, 15n * secret, 1n, 1n, 2n, 3n, N - 1n, 16n, 16n];
  const batch = nonces.map((nonce) => withNonce(secret, nonce, randomHex(random)));
  expect(batch.map(nobleVerify)).not.toContain(false);
  expect(crypto.verifyAll(batch)).toBe(true);
  for (const signature of batch) {
    const same = Array.from({ length: 64 }, () => signature);
    expect(crypto.verifyAll(same)).toBe(true);
    expect(crypto.verifyAll(same.with(random.int(0, 63), { ...signature, id: randomHex(random) }))).toBe(false);
  }
  const oneR = Array.from({ length: 64 }, () => withNonce(secret, 5n, randomHex(random)));
  expect(crypto.verifyAll(oneR)).toBe(true);
  expect(crypto.verifyAll(oneR.with(40, withS(oneR[40] as Signature, 1n)))).toBe(false);
});

test("R-02-09 a batch of more keys than are kept, and keys that give way while it is made", () => {
  const random = new Random(4);
  const many = Array.from({ length: 1100 }, () => right(random));
  expect(crypto.verifyAll(many)).toBe(true);
  expect(crypto.verifyAll([...many].reverse())).toBe(true);
  const forged = { ...(many[0] as Signature), pubkey: (many[1099] as Signature).pubkey };
  expect(crypto.verifyAll([...many.slice(0, 20), forged])).toBe(false);
  expect(crypto.verifyAll([forged, ...many.slice(500, 520)])).toBe(false);
});
