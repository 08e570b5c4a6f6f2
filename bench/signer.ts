import { createHash } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1";

const ORDER = secp256k1.CURVE.n;
const TAG = createHash("sha256").update("BIP0340/challenge").digest();

export interface Draft {
  kind: number;
  created_at: number;
  tags: string[][];
  content: string;
}

export interface SignedEvent extends Draft {
  id: string;
  pubkey: string;
  sig: string;
}

/**
 * Signs test events as fast as they are hashed: all signatures of a key share one nonce, so that no point has to be
 * multiplied. They are valid, and anybody can compute the key from two of them.
 */
export class Signer {
  readonly pubkey: string;
  readonly #key: { scalar: bigint; x: Buffer };
  readonly #nonce: { scalar: bigint; x: Buffer };

  /** @param number the signer's, from 1 */
  constructor(number: number) {
    this.#key = withEvenPoint(BigInt(number) << 64n);
    this.#nonce = withEvenPoint((BigInt(number) << 64n) + 1n);
    this.pubkey = this.#key.x.toString("hex");
  }

  sign({ kind, created_at, tags, content }: Draft): SignedEvent {
    const { pubkey } = this;
    const [key, nonce] = [this.#key, this.#nonce];
    const id = createHash("sha256")
      .update(JSON.stringify([0, pubkey, created_at, kind, tags, content]))
      .digest();
    const hash = createHash("sha256").update(TAG).update(TAG).update(nonce.x).update(key.x).update(id).digest("hex");
    const proof = (nonce.scalar + BigInt(`0x${hash}`) * key.scalar) % ORDER;
    const sig = nonce.x.toString("hex") + proof.toString(16).padStart(64, "0");
    return { id: id.toString("hex"), pubkey, created_at, kind, tags, content, sig };
  }
}

/** The scalar, or its negative, whose point has an even y, as BIP-340 wants it. */
function withEvenPoint(scalar: bigint): { scalar: bigint; x: Buffer } {
  const bytes = Buffer.from(scalar.toString(16).padStart(64, "0"), "hex");
  const point = Buffer.from(secp256k1.getPublicKey(bytes, true));
  return { scalar: point[0] === 2 ? scalar : ORDER - scalar, x: point.subarray(1) };
}
