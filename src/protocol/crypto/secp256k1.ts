/** What the relay needs of libsecp256k1: SHA-256 and BIP-340, on lowercase hex. One instance per isolate. */
export interface Crypto {
  /** SHA-256 of the UTF-8 form of `text`. */
  sha256(text: string): string;
  /** BIP-340 verification of `sig` over the 32 bytes `id`; false too for a key that is not on the curve. */
  verify(sig: string, id: string, pubkey: string): boolean;
  /**
   * Whether all of them verify. Takes half the time of verifying each from 30 on, and says nothing about which one is
   * wrong. True for none.
   */
  verifyAll(batch: readonly Signature[]): boolean;
  /** The x-only public key of a secret key of 32 bytes; throws if there is none (0, or not below the order). */
  publicKey(secret: string): string;
  /** BIP-340 signature of the 32 bytes `id`, with fresh auxiliary randomness; throws as {@link publicKey} does. */
  sign(id: string, secret: string): string;
}

/** A signature and what it should be of; an event is one. */
export interface Signature {
  readonly sig: string;
  readonly id: string;
  readonly pubkey: string;
}

/** The exports of `secp256k1.wasm`; `wasm/nexus.c` says what each does. */
interface Exports {
  memory: WebAssembly.Memory;
  start(): number;
  hash(length: number, isFirst: boolean, isLast: boolean): void;
  parse_key(): number;
  verify_all(count: number): number;
  public_key(): number;
  sign(): number;
}

/** Bytes of the buffer through which all data passes. */
const BUFFER_BYTES = 65536;

/** Signatures in one batch of the module. */
const MAX_BATCH = 64;

/** Layout of a signature in the buffer, and of what is signed, in bytes. */
const ENTRY = { sig: 0, id: 64, key: 96, bytes: 160 };
const SIGNING = { secret: 0, id: 32, aux: 64, sig: 96 };

/** Public keys kept in parsed form: parsing takes a square root, a sixth of a verification. */
const MAX_KEYS = 1024;
const PARSED_BYTES = 64;

/** Every byte as two digits. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Instantiates `secp256k1.wasm`; throws if it is another module. */
export function createCrypto(module: WebAssembly.Module): Crypto {
  const exports = new WebAssembly.Instance(module).exports as unknown as Exports;
  const start = exports.start();
  // The module's memory never grows, so one view stays valid.
  const buffer = new Uint8Array(exports.memory.buffer, start, BUFFER_BYTES);
  const encoder = new TextEncoder();
  const keys = new Map<string, Uint8Array>();

  /** The parsed key; undefined if it is not on the curve. The oldest gives way. Overwrites the buffer's beginning. */
  function parsed(pubkey: string): Uint8Array | undefined {
    const known = keys.get(pubkey);
    if (known !== undefined) return known;
    write(pubkey, 0);
    if (exports.parse_key() !== 1) return undefined;
    const oldest = keys.size < MAX_KEYS ? undefined : keys.keys().next().value;
    if (oldest !== undefined) keys.delete(oldest);
    const key = buffer.slice(0, PARSED_BYTES);
    keys.set(pubkey, key);
    return key;
  }

  function writeEntry(number: number, { sig, id }: Signature, key: Uint8Array): void {
    const at = number * ENTRY.bytes;
    write(sig, at + ENTRY.sig);
    write(id, at + ENTRY.id);
    buffer.set(key, at + ENTRY.key);
  }

  function verifySome(batch: readonly Signature[]): boolean {
    const found = batch.map(({ pubkey }) => parsed(pubkey));
    for (const [i, signature] of batch.entries()) {
      const key = found[i];
      if (key === undefined) return false;
      writeEntry(i, signature, key);
    }
    return exports.verify_all(batch.length) === 1;
  }

  function write(hex: string, to: number): void {
    for (let i = 0, n = hex.length; i < n; i += 2) {
      buffer[to + (i >> 1)] = (digit(hex.charCodeAt(i)) << 4) | digit(hex.charCodeAt(i + 1));
    }
  }

  function read(from: number, bytes: number): string {
    let hex = "";
    for (let i = from; i < from + bytes; i++) hex += HEX[buffer[i] as number];
    return hex;
  }

  return {
    sha256(text) {
      for (let rest = text, isFirst = true; ; isFirst = false) {
        const { read: units, written } = encoder.encodeInto(rest, buffer);
        const isLast = units === rest.length;
        exports.hash(written, isFirst, isLast);
        if (isLast) return read(0, 32);
        rest = rest.slice(units);
      }
    },
    verify: (sig, id, pubkey) => verifySome([{ sig, id, pubkey }]),
    verifyAll(batch) {
      for (let i = 0; i < batch.length; i += MAX_BATCH) {
        if (!verifySome(batch.slice(i, i + MAX_BATCH))) return false;
      }
      return true;
    },
    publicKey(secret) {
      write(secret, SIGNING.secret);
      if (exports.public_key() !== 1) throw new Error("not a secret key");
      return read(0, 32);
    },
    sign(id, secret) {
      write(secret, SIGNING.secret);
      write(id, SIGNING.id);
      crypto.getRandomValues(buffer.subarray(SIGNING.aux, SIGNING.aux + 32));
      if (exports.sign() !== 1) throw new Error("not a secret key");
      return read(SIGNING.sig, 64);
    },
  };
}

function digit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
