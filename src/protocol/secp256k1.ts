/** What the relay needs of libsecp256k1: SHA-256 and BIP-340, on lowercase hex. One instance per isolate. */
export interface Crypto {
  /** SHA-256 of the UTF-8 form of `text`, as lowercase hex. */
  sha256(text: string): string;
  /** BIP-340 verification of `sig` over the 32 bytes `id`; false too for a key that is not on the curve. */
  verify(sig: string, id: string, pubkey: string): boolean;
}

/** The exports of nostr-wasm's libsecp256k1 module; its names are minified. */
interface Exports {
  g: WebAssembly.Memory;
  h(): void;
  i(bytes: number): number;
  l(state: number): void;
  m(state: number, data: number, length: number): void;
  n(state: number, out: number): void;
  o(flags: number): number;
  p(context: number, out: number, pubkey: number): number;
  u(context: number, sig: number, message: number, length: number, pubkey: number): number;
}

const CONTEXT_VERIFY = 257;
const CHUNK_BYTES = 65536;
const SHA256_STATE_BYTES = 104;
const DIGITS = "0123456789abcdef";

/** Public keys kept in parsed form: parsing takes a square root, a tenth of a verification. */
const MAX_POINTS = 1024;
const POINT_BYTES = 64;

/** Instantiates the WebAssembly module of the package nostr-wasm; throws if it is another module. */
export function createCrypto(module: WebAssembly.Module): Crypto {
  let memory: WebAssembly.Memory;
  const exports = new WebAssembly.Instance(module, {
    a: {
      a: () => {
        throw new Error("libsecp256k1 aborted");
      },
      b: () => {
        throw new Error("libsecp256k1 wants to print an error");
      },
      c: () => 70,
      d: () => {
        throw new Error("libsecp256k1 is out of memory");
      },
      e: () => 52,
      f: (to: number, from: number, bytes: number) => new Uint8Array(memory.buffer).copyWithin(to, from, from + bytes),
    },
  }).exports as unknown as Exports;
  memory = exports.g;
  exports.h();
  const context = exports.o(CONTEXT_VERIFY);
  const at = {
    key: exports.i(32),
    point: exports.i(POINT_BYTES),
    points: exports.i(POINT_BYTES * MAX_POINTS),
    sig: exports.i(64),
    id: exports.i(32),
    state: exports.i(SHA256_STATE_BYTES),
    chunk: exports.i(CHUNK_BYTES),
    digest: exports.i(32),
  };
  // The module's memory never grows, so one view stays valid.
  const heap = new Uint8Array(memory.buffer);
  const chunk = heap.subarray(at.chunk, at.chunk + CHUNK_BYTES);
  const encoder = new TextEncoder();

  const points = new Map<string, number>();

  /** Where the parsed key is; undefined if it is not on the curve. The oldest key gives way. */
  function pointOf(pubkey: string): number | undefined {
    const known = points.get(pubkey);
    if (known !== undefined) return known;
    write(pubkey, at.key);
    if (exports.p(context, at.point, at.key) !== 1) return undefined;
    const oldest = points.size < MAX_POINTS ? undefined : points.entries().next().value;
    if (oldest !== undefined) points.delete(oldest[0]);
    const place = oldest?.[1] ?? at.points + POINT_BYTES * points.size;
    heap.copyWithin(place, at.point, at.point + POINT_BYTES);
    points.set(pubkey, place);
    return place;
  }

  function write(hex: string, to: number): void {
    for (let i = 0, n = hex.length; i < n; i += 2) {
      heap[to + (i >> 1)] = (digit(hex.charCodeAt(i)) << 4) | digit(hex.charCodeAt(i + 1));
    }
  }

  return {
    sha256(text) {
      exports.l(at.state);
      for (let rest = text; ; ) {
        const { read, written } = encoder.encodeInto(rest, chunk);
        exports.m(at.state, at.chunk, written);
        if (read === rest.length) break;
        rest = rest.slice(read);
      }
      exports.n(at.state, at.digest);
      let hex = "";
      for (let i = at.digest; i < at.digest + 32; i++) {
        const byte = heap[i] as number;
        hex += DIGITS.charAt(byte >> 4) + DIGITS.charAt(byte & 15);
      }
      return hex;
    },
    verify(sig, id, pubkey) {
      const point = pointOf(pubkey);
      if (point === undefined) return false;
      write(sig, at.sig);
      write(id, at.id);
      return exports.u(context, at.sig, at.id, 32, point) === 1;
    },
  };
}

function digit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
