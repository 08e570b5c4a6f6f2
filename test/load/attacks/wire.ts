import { frameBytes, OPCODE } from "../../../bench/raw.ts";
import { type Attack, type Frame, fragments } from "./attack.ts";
import { endless } from "./heavy.ts";

// Bytes that are no messages, messages nobody can parse, connections and HTTP requests. A new one is one line.

const MAX = 524_000;
const list = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
const same = (name: string, make: () => Frame, more: Partial<Attack> = {}): Attack => ({
  name,
  frames: () => {
    const frame = make();
    return endless(() => frame);
  },
  connections: 1,
  ...more,
});

/** Frames that nothing can be made of, answered by a NOTICE; those that close something are not answered. */
const MALFORMED: Readonly<Record<string, () => string>> = {
  "512 kB of [": () => "[".repeat(MAX),
  "512 kB of [ and ]": () => "[".repeat(MAX / 2) + "]".repeat(MAX / 2),
  '512 kB of {"a":': () => '{"a":'.repeat(MAX / 5),
  "a REQ of 512 kB of [ and ]": () => `["REQ","x",${"[".repeat(MAX / 2 - 9)}${"]".repeat(MAX / 2 - 9)}]`,
  "an EVENT of 512 kB of [ and ]": () =>
    `["EVENT",{"id":"x","a":${"[".repeat(MAX / 2 - 20)}${"]".repeat(MAX / 2 - 20)}}]`,
  "an EVENT with deep surplus": () => `["EVENT",{"id":"x"},${"[".repeat(MAX / 2 - 20)}${"]".repeat(MAX / 2 - 20)}]`,
  "an EVENT of tags in tags": () =>
    `["EVENT",{"id":"x","tags":[${"[".repeat(MAX / 2 - 20)}${"]".repeat(MAX / 2 - 20)}]}]`,
  "a filter of objects in objects": () => `["REQ","x",${'{"a":'.repeat(87_000)}1${"}".repeat(87_000)}]`,
  "a CLOSE with 250,000 elements": () => `["CLOSE","x"${",1".repeat(250_000)}]`,
  "a CLOSE with 170,000 empty arrays": () => `["CLOSE","x"${",[]".repeat(170_000)}]`,
  "80,000 objects of different members": () =>
    `["EVENT",{"id":"x"},${list(80_000, (i) => `{"${i.toString(36)}":1}`).join()}]`,
  "a verb of 512 kB": () => `["${"A".repeat(MAX - 10)}"]`,
  "an id of 512 kB": () => `["REQ","${"A".repeat(MAX - 20)}",{}]`,
  "a number of 512 kB": () => `["REQ","x",{"limit":${"9".repeat(MAX - 30)}}]`,
  "100,000 numbers of many digits": () =>
    `["REQ","x",{"kinds":[${list(20_000, () => "1.2345678901234567e-9").join()}]}]`,
  "60,000 different members": () => `["REQ","x",{${list(50_000, (i) => `"${i}":1`).join()}}]`,
  "one member 80,000 times": () => `["REQ","x",{${list(80_000, () => '"a":1').join()}}]`,
  "512 kB of escapes": () => `["REQ","${"\\u0041".repeat(MAX / 6 - 10)}",{}]`,
  "512 kB of blanks": () => " ".repeat(MAX),
  "512 kB of quotes": () => '"'.repeat(MAX),
  "an unknown verb with 512 kB": () => `["HELLO","${"x".repeat(MAX - 20)}"]`,
  "100 filters that are no objects": () => `["REQ","x"${",1".repeat(250_000)}]`,
};

/** Bytes that break the protocol below, in one piece; the relay ends the connection, and its client comes back. */
const BROKEN: Readonly<Record<string, () => Uint8Array>> = {
  "a message above the limit": () => frameBytes(OPCODE.text, "x".repeat(2_200_000)),
  "a message of 16 MB": () => frameBytes(OPCODE.text, "x".repeat(16 << 20)),
  "a message that says it has 8 TB": () =>
    Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 8, 0, 0, 0, 0, 0, 1, 2, 3, 4]), Buffer.alloc(1 << 20)]),
  "an unmasked frame": () => frameBytes(OPCODE.text, "ping", { mask: false }),
  "a reserved bit": () => Buffer.from([0xc1, 0x80, 1, 2, 3, 4]),
  "a reserved opcode": () => Buffer.from([0x83, 0x80, 1, 2, 3, 4]),
  "no UTF-8": () => frameBytes(OPCODE.text, Buffer.alloc(500_000, 0xff)),
  "UTF-8 wrong at its end": () =>
    frameBytes(OPCODE.text, Buffer.concat([Buffer.alloc(500_000, 0x61), Buffer.from([0xff])])),
  "a continuation of nothing": () => frameBytes(OPCODE.continuation, "x"),
  "a Close": () => frameBytes(OPCODE.close, Buffer.from([3, 232])),
  "a Close with code 0": () => frameBytes(OPCODE.close, Buffer.from([0, 0])),
  "a ping of 500 bytes": () => frameBytes(OPCODE.ping, "x".repeat(500)),
};

export const WIRE: readonly Attack[] = [
  ...Object.entries(MALFORMED).flatMap(([name, make]) => [
    same(name, make, { inTurn: !name.includes("CLOSE") }),
    same(`${name}, by 50`, make, { connections: 50 }),
  ]),
  ...Object.entries(BROKEN).flatMap(([name, make]) => [
    same(name, make),
    same(`${name}, by 50`, make, { connections: 50 }),
  ]),
  same("a message in 500,000 fragments", () => fragments(500_000, "x")),
  same("a message in 100,000 fragments, by 50", () => fragments(100_000, "x"), { connections: 50 }),
  same("a message in 1,000,000 empty fragments", () => fragments(1_000_000, "")),
  same("512 kB of text that is no message, by 50", () => "x".repeat(MAX), { connections: 50 }),
  same("binary of 512 kB", () => frameBytes(OPCODE.binary, Buffer.alloc(MAX))),
  same("binary of 512 kB, by 50", () => frameBytes(OPCODE.binary, Buffer.alloc(MAX)), { connections: 50 }),
];
