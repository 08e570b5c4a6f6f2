import { schnorr } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { type Event, verifyEvent } from "nostr-tools/pure";
import { expect, test } from "vitest";
import { createCrypto } from "../../src/protocol/crypto/secp256k1.ts";
import wasm from "../../src/protocol/crypto/secp256k1.wasm";
import { VerifiedEvent } from "../../src/protocol/crypto/verify.ts";
import { parseEvent } from "../../src/protocol/event.ts";
import { alice, bob, key, signed } from "../support/keys.ts";

const crypto = createCrypto(wasm);

/** What another implementation says. */
function nobleVerify(sig: string, id: string, pubkey: string): boolean {
  return schnorr.verify(hexToBytes(sig), hexToBytes(id), hexToBytes(pubkey));
}

function nobleHash(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

function flipBit(hex: string, bit: number): string {
  const bytes = hexToBytes(hex);
  bytes[bit >> 3] ^= 1 << (bit & 7);
  return bytesToHex(bytes);
}

function toHex(value: bigint): string {
  return value.toString(16).padStart(64, "0");
}

const P = 2n ** 256n - 2n ** 32n - 977n;
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const ZERO = toHex(0n);
const KEY = "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659";
const MESSAGE = "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89";
const R = "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769";
const S = "69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b";

/** BIP-340 test-vectors.csv, those with a message of 32 bytes: number, key, message, r, s, result. */
const VECTORS: [number, string, string, string, string, boolean][] = [
  [
    0,
    "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
    ZERO,
    "e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca8215",
    "25f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0",
    true,
  ],
  [
    1,
    KEY,
    MESSAGE,
    "6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de3341",
    "8906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a",
    true,
  ],
  [
    2,
    "dd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8",
    "7e2d58d8b3bcdf1abadec7829054f90dda9805aab56c77333024b9d0a508b75c",
    "5831aaeed7b44bb74e5eab94ba9d4294c49bcf2a60728d8b4c200f50dd313c1b",
    "ab745879a5ad954a72c45a91c3a51d3c7adea98d82f8481e0e1e03674a6f3fb7",
    true,
  ],
  [
    3,
    "25d1dff95105f5253c4022f628a996ad3a0d95fbf21d468a1b33f8c160d8f517",
    "f".repeat(64),
    "7eb0509757e246f19449885651611cb965ecc1a187dd51b64fda1edc9637d5ec",
    "97582b9cb13db3933705b32ba982af5af25fd78881ebb32771fc5922efc66ea3",
    true,
  ],
  [
    4,
    "d69c3509bb99e412e68b0fe8544e72837dfa30746d8be2aa65975f29d22dc7b9",
    "4df3c3f68fcc83b27e9d42c90431a72499f17875c81a599b566c9889b9696703",
    "00000000000000000000003b78ce563f89a0ed9414f5aa28ad0d96d6795f9c63",
    "76afb1548af603b3eb45c9f8207dee1060cb71c04e80f593060b07d28308d7f4",
    true,
  ],
  [5, "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34", MESSAGE, R, S, false],
  [
    6,
    KEY,
    MESSAGE,
    "fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556",
    "3cc27944640ac607cd107ae10923d9ef7a73c643e166be5ebeafa34b1ac553e2",
    false,
  ],
  [
    7,
    KEY,
    MESSAGE,
    "1fa62e331edbc21c394792d2ab1100a7b432b013df3f6ff4f99fcb33e0e1515f",
    "28890b3edb6e7189b630448b515ce4f8622a954cfe545735aaea5134fccdb2bd",
    false,
  ],
  [8, KEY, MESSAGE, R, "961764b3aa9b2ffcb6ef947b6887a226e8d7c93e00c5ed0c1834ff0d0c2e6da6", false],
  [9, KEY, MESSAGE, ZERO, "123dda8328af9c23a94c1feecfd123ba4fb73476f0d594dcb65c6425bd186051", false],
  [10, KEY, MESSAGE, toHex(1n), "7615fbaf5ae28864013c099742deadb4dba87f11ac6754f93780d5a1837cf197", false],
  [11, KEY, MESSAGE, "4a298dacae57395a15d0795ddbfd1dcb564da82b0f269bc70a74f8220429ba1d", S, false],
  [12, KEY, MESSAGE, toHex(P), S, false],
  [13, KEY, MESSAGE, R, toHex(N), false],
  [14, toHex(P + 1n), MESSAGE, R, S, false],
];

test.each(VECTORS)("R-02-09 BIP-340 vector %i", (_number, pubkey, message, r, s, result) => {
  expect(nobleVerify(r + s, message, pubkey)).toBe(result);
  expect(crypto.verify(r + s, message, pubkey)).toBe(result);
});

const ID = nobleHash("message");
const SIG = bytesToHex(schnorr.sign(hexToBytes(ID), alice.secret));

test("R-02-09 signatures by many keys verify, and under no other key or message", () => {
  for (let n = 1; n <= 24; n++) {
    const by = key(n * 7919);
    const id = nobleHash(`message ${n}`);
    const sig = bytesToHex(schnorr.sign(hexToBytes(id), by.secret));
    expect(crypto.verify(sig, id, by.pubkey), `key ${n}`).toBe(true);
    expect(crypto.verify(sig, ID, by.pubkey), `key ${n}, other message`).toBe(false);
    expect(crypto.verify(sig, id, alice.pubkey), `key ${n}, other key`).toBe(false);
  }
});

test("R-02-09 one flipped bit anywhere in signature, id or key does not verify", () => {
  expect(crypto.verify(SIG, ID, alice.pubkey)).toBe(true);
  for (let bit = 0; bit < 512; bit++) {
    expect(crypto.verify(flipBit(SIG, bit), ID, alice.pubkey), `sig bit ${bit}`).toBe(false);
  }
  for (let bit = 0; bit < 256; bit++) {
    expect(crypto.verify(SIG, flipBit(ID, bit), alice.pubkey), `id bit ${bit}`).toBe(false);
    expect(crypto.verify(SIG, ID, flipBit(alice.pubkey, bit)), `key bit ${bit}`).toBe(false);
  }
  expect(crypto.verify(SIG, ID, alice.pubkey)).toBe(true);
});

const MAX = 2n ** 256n - 1n;
const [r, s] = [SIG.slice(0, 64), SIG.slice(64)];

test.each([
  ["r = 0", ZERO + s],
  ["r = p", toHex(P) + s],
  ["r = p + 1", toHex(P + 1n) + s],
  ["r = 2^256 - 1", toHex(MAX) + s],
  ["s = 0", r + ZERO],
  ["s = n", r + toHex(N)],
  ["s = n + 1", r + toHex(N + 1n)],
  ["s = 2^256 - 1", r + toHex(MAX)],
  ["s negated", r + toHex(N - BigInt(`0x${s}`))],
  ["r and s swapped", s + r],
  ["all zero", ZERO + ZERO],
])("R-02-09 a signature with %s does not verify", (_name, sig) => {
  expect(nobleVerify(sig, ID, alice.pubkey)).toBe(false);
  expect(crypto.verify(sig, ID, alice.pubkey)).toBe(false);
  expect(crypto.verify(SIG, ID, alice.pubkey)).toBe(true);
});

test.each([
  ["0", ZERO],
  ["5, which is not on the curve", toHex(5n)],
  ["p", toHex(P)],
  ["p + 1, where 1 is on the curve", toHex(P + 1n)],
  ["p + 5", toHex(P + 5n)],
  ["2^256 - 1", toHex(MAX)],
])("T-070 a key with x = %s does not verify and throws nothing", (_name, pubkey) => {
  // Right after a good one: the parsed point of that call must not serve again.
  expect(crypto.verify(SIG, ID, alice.pubkey)).toBe(true);
  expect(nobleVerify(SIG, ID, pubkey)).toBe(false);
  expect(crypto.verify(SIG, ID, pubkey)).toBe(false);
});

test("R-02-06 SHA-256 of the published examples", () => {
  expect(crypto.sha256("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(crypto.sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("R-02-06 SHA-256 of every length around the block sizes, 1 to 4 bytes a character", () => {
  for (let length = 0; length <= 192; length++) {
    for (const character of ["a", "\u0000", "é", "日", "😀"]) {
      const text = character.repeat(length);
      expect(crypto.sha256(text), `${length} × ${character}`).toBe(nobleHash(text));
    }
  }
});

test.each(["a", "é", "日", "😀"])("R-02-06 SHA-256 where %s straddles a chunk of 65,536 bytes", (character) => {
  for (const chunks of [1, 2]) {
    for (let before = 65536 * chunks - 5; before <= 65536 * chunks + 1; before++) {
      for (const after of ["", "z", "日".repeat(200)]) {
        const text = "x".repeat(before) + character + after;
        expect(crypto.sha256(text), `${before} bytes before, ${after.length} after`).toBe(nobleHash(text));
      }
    }
  }
});

test("R-02-06 SHA-256 of long text, then of short text again", () => {
  for (const text of ["x".repeat(1_000_000), "😀".repeat(150_000), "日".repeat(65536), ""]) {
    expect(crypto.sha256(text)).toBe(nobleHash(text));
  }
});

test("R-02-09 two instances, and hashing between verifications, do not disturb one another", () => {
  const other = createCrypto(wasm);
  for (let i = 0; i < 300; i++) {
    const text = `${i}`.repeat(i * 3);
    expect(crypto.sha256(text)).toBe(other.sha256(text));
    expect(crypto.verify(SIG, ID, i % 2 === 0 ? alice.pubkey : bob.pubkey)).toBe(i % 2 === 0);
    expect(other.verify(SIG, ID, i % 2 === 0 ? bob.pubkey : alice.pubkey)).toBe(i % 2 === 1);
  }
});

/** What the relay says of an event as it comes from the wire. */
function accepts(event: Event): boolean {
  const parsed = parseEvent(JSON.parse(JSON.stringify(event)));
  return parsed.ok && VerifiedEvent.check(parsed.value, crypto).ok;
}

/** What nostr-tools says; of a copy, because it remembers its verdict on the object. */
function oracle(event: Event): boolean {
  return verifyEvent(JSON.parse(JSON.stringify(event)) as Event);
}

const C0 = String.fromCharCode(...Array(32).keys());

test.each([
  ["plain", "hello", [["t", "x"]]],
  ["all C0, DEL, line separators", `${C0}\u007f\u2028\u2029`, [[C0, C0]]],
  ["quotes, slashes, markup", "\"\\/<>&'", [['"', "\\"]]],
  ["beyond ASCII", "é 日本 😀 \ufdd1 \u{10fffe} \ufeff e\u0301", [["😀", "\u0000"]]],
  ["empty tags", "", [[], [""], ["", ""]]],
])(
  "R-02-06 R-02-09 an event with %s: the verdict of nostr-tools, forged in each member too",
  (_name, content, tags) => {
    const event = signed(alice, { content, tags });
    const forgeries: Partial<Event>[] = [
      { content: `${content}.` },
      { tags: [...tags, []] },
      { created_at: event.created_at + 1 },
      { kind: 2 },
      { pubkey: bob.pubkey },
      { id: flipBit(event.id, 0) },
      { sig: flipBit(event.sig, 511) },
      { id: signed(alice, { content: "other" }).id, sig: signed(alice, { content: "other" }).sig },
    ];
    expect(oracle(event)).toBe(true);
    expect(accepts(event)).toBe(true);
    for (const forgery of forgeries) {
      expect(oracle({ ...event, ...forgery }), JSON.stringify(forgery)).toBe(false);
      expect(accepts({ ...event, ...forgery }), JSON.stringify(forgery)).toBe(false);
    }
  },
);
