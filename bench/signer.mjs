// @ts-check
import { createHash } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1";

const ORDER = secp256k1.CURVE.n;
const TAG = createHash("sha256").update("BIP0340/challenge").digest();

/**
 * Signs test events as fast as they are hashed: all signatures of a key share one nonce, so that no point has to be
 * multiplied. They are valid, and anybody can compute the key from two of them.
 */
export class Signer {
  /** @param {number} number the signer's, from 1 */
  constructor(number) {
    const key = withEvenPoint(BigInt(number) << 64n);
    const nonce = withEvenPoint((BigInt(number) << 64n) + 1n);
    this.pubkey = key.x.toString("hex");
    this.key = key;
    this.nonce = nonce;
  }

  /**
   * @param {{ kind: number, created_at: number, tags: string[][], content: string }} draft
   */
  sign({ kind, created_at, tags, content }) {
    const { pubkey, key, nonce } = this;
    const id = createHash("sha256")
      .update(JSON.stringify([0, pubkey, created_at, kind, tags, content]))
      .digest();
    const hash = createHash("sha256").update(TAG).update(TAG).update(nonce.x).update(key.x).update(id).digest("hex");
    const proof = (nonce.scalar + BigInt(`0x${hash}`) * key.scalar) % ORDER;
    const sig = nonce.x.toString("hex") + proof.toString(16).padStart(64, "0");
    return { id: id.toString("hex"), pubkey, created_at, kind, tags, content, sig };
  }
}

/** The scalar, or its negative, whose point has an even y, as BIP-340 wants it. @param {bigint} scalar */
function withEvenPoint(scalar) {
  const bytes = Buffer.from(scalar.toString(16).padStart(64, "0"), "hex");
  const point = Buffer.from(secp256k1.getPublicKey(bytes, true));
  return { scalar: point[0] === 2 ? scalar : ORDER - scalar, x: point.subarray(1) };
}
