import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { frameBytes, OPCODE, RawSocket } from "../../bench/raw.ts";
import { Signer } from "../../bench/signer.ts";
import { type Attack, Attacker, type Frame, fresh } from "./flood-attack.ts";
import { endless, heavy } from "./flood-heavy.ts";
import { inviteOf, MANAGED, OWNER, sha256, WITH_MEMBERS } from "./flood-stocks.ts";

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

/** Frames that nothing can be made of, answered by a NOTICE. */
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
  "250,000 empty arrays": () => `["CLOSE","x"${",[]".repeat(170_000)}]`,
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
  "a message above the limit": () => frameBytes(OPCODE.text, "x".repeat(600_000)),
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

const fragments = (count: number, payload: string): Uint8Array =>
  Buffer.concat([
    frameBytes(OPCODE.text, payload, { final: false }),
    ...list(count, () => frameBytes(OPCODE.continuation, payload, { final: false })),
    frameBytes(OPCODE.continuation, payload),
  ]);

/** Repeats what one client does, many at a time, until the end. */
function storm(
  name: string,
  atOnce: number,
  once: (url: string, n: number) => Promise<unknown>,
  more: Partial<Attack> = {},
): Attack {
  return {
    name,
    frames: () => [],
    connections: 0,
    async instead(url, endsAt) {
      let [sent, refused] = [0, 0];
      const one = async (n: number) => {
        while (performance.now() < endsAt) {
          await once(url, n).catch(() => refused++);
          sent++;
        }
      };
      await Promise.all(list(atOnce, one));
      return { sent, refused };
    },
    ...more,
  };
}

/** What many clients begin and never end. */
function pending(name: string, count: number, begin: (socket: Socket, url: string) => void, drip = ""): Attack {
  return {
    name,
    frames: () => [],
    connections: 0,
    async instead(url, endsAt) {
      let closed = 0;
      const sockets = list(count, () => {
        const socket = connectTo(url);
        socket.on("close", () => closed++);
        begin(socket, url);
        return socket;
      });
      while (performance.now() < endsAt) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (drip !== "") for (const socket of sockets) socket.write(drip);
      }
      for (const socket of sockets) socket.destroy();
      return { sent: count, closed };
    },
  };
}

function connectTo(url: string): Socket {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port), noDelay: true });
  socket.on("error", () => {});
  socket.resume();
  return socket;
}

/** Sends bytes on a connection of their own, and waits for its end or for the first answer. */
function exchange(url: string, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectTo(url);
    socket.once("data", () => socket.destroy());
    socket.once("close", () => resolve());
    socket.setTimeout(5000, () => socket.destroy());
    socket.write(bytes);
  });
}

const request = (line: string, headers = "", body = "") =>
  `${line} HTTP/1.1\r\nHost: x\r\n${headers}${body === "" ? "" : `Content-Length: ${body.length}\r\n`}\r\n${body}`;
const RPC = "Content-Type: application/nostr+json+rpc\r\n";
const UPGRADE = () =>
  `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n`;

const caller = new Signer(OWNER);
/** The header of NIP-98 for a body, signed by a stranger. */
function authorization(url: string, body: string, tags: string[][] = [], isForged = false): string {
  const created_at = Math.floor(Date.now() / 1000);
  const own = [
    ["u", `${url.replace(/^ws/, "http")}/`],
    ["method", "POST"],
    ["payload", sha256(body)],
    ["n", `${fresh()}`],
  ];
  const event = caller.sign({ kind: 27_235, created_at, tags: [...own, ...tags], content: "" });
  const sent = isForged ? { ...event, sig: "0".repeat(128) } : event;
  return `Authorization: Nostr ${Buffer.from(JSON.stringify(sent)).toString("base64")}\r\n`;
}
const CALL = '{"method":"stats","params":[]}';

export const WIRE: readonly Attack[] = [
  ...Object.entries(MALFORMED).flatMap(([name, make]) => [
    same(name, make, { inTurn: true }),
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

  storm("connections that come and go", 50, async (url) => (await RawSocket.open(url)).destroy()),
  storm("connections that log in and go", 50, async (url, n) => (await Attacker.open(url, n)).socket.destroy(), {
    variables: { LIMIT_AUTH: "off" },
  }),
  storm(
    "TCP connections that come and go",
    50,
    (url) =>
      new Promise<void>((resolve) => {
        const socket = connectTo(url);
        socket.once("connect", () => socket.destroy());
        socket.once("close", () => resolve());
      }),
  ),
  storm("upgrades without a key", 50, (url) =>
    exchange(url, request("GET /", "Upgrade: websocket\r\nConnection: Upgrade\r\n")),
  ),
  storm(
    "upgrades and a reset",
    50,
    (url) =>
      new Promise<void>((resolve) => {
        const socket = connectTo(url);
        socket.write(request("GET /", UPGRADE()), () => socket.resetAndDestroy());
        socket.once("close", () => resolve());
      }),
  ),
  storm("TLS to a plain port", 50, (url) =>
    exchange(url, Buffer.concat([Buffer.from([22, 3, 1, 2, 0]), randomBytes(512)])),
  ),
  storm("GET of a page", 50, (url) => exchange(url, request("GET /"))),
  storm("GET of NIP-11", 50, (url) => exchange(url, request("GET /", "Accept: application/nostr+json\r\n"))),
  storm("GET of /api/stats", 50, (url) => exchange(url, request("GET /api/stats"))),
  storm("GET of what is not there", 50, (url) => exchange(url, request(`GET /${"x".repeat(8000)}`))),
  storm("GET of NIP-11, 1,000 in one go", 8, (url) =>
    exchange(url, request("GET /", "Accept: application/nostr+json\r\n").repeat(1000)),
  ),
  storm("headers of 15 kB", 50, (url) => exchange(url, request("GET /", `X: ${"x".repeat(15_000)}\r\n`))),
  storm("headers of 1 MB", 20, (url) => exchange(url, request("GET /", `X: ${"x".repeat(1 << 20)}\r\n`))),
  storm("10,000 headers", 20, (url) => exchange(url, request("GET /", list(10_000, (i) => `X${i}: x\r\n`).join("")))),
  storm("POST without authorization", 50, (url) => exchange(url, request("POST /", RPC, CALL))),
  storm("POST by a stranger", 20, (url) => exchange(url, request("POST /", RPC + authorization(url, CALL), CALL)), {
    variables: MANAGED,
  }),
  storm(
    "POST with a forged signature",
    50,
    (url) => exchange(url, request("POST /", RPC + authorization(url, CALL, [], true), CALL)),
    { variables: MANAGED },
  ),
  storm(
    "POST with 1,500 tags in its header",
    20,
    (url) =>
      exchange(
        url,
        request(
          "POST /",
          RPC +
            authorization(
              url,
              CALL,
              list(1500, () => ["x"]),
            ),
          CALL,
        ),
      ),
    { variables: MANAGED },
  ),
  storm(
    "POST of 1 MB",
    20,
    (url) => exchange(url, request("POST /", RPC + authorization(url, CALL), "x".repeat(1 << 20))),
    { variables: MANAGED },
  ),
  pending("POSTs of 1 MB that never end", 150, (socket, url) => {
    socket.write(
      `POST / HTTP/1.1\r\nHost: x\r\n${RPC}${authorization(url, CALL, [], true)}Content-Length: 1048576\r\n\r\n`,
    );
    socket.write("a".repeat(1_040_000));
  }),
  pending(
    "chunks that never end",
    150,
    (socket, url) => {
      socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${RPC}${authorization(url, CALL)}Transfer-Encoding: chunked\r\n\r\n`);
    },
    "1\r\na\r\n",
  ),
  pending("headers that never end", 1000, (socket) => socket.write("GET / HTTP/1.1\r\nHost: x\r\n"), "X: x\r\n"),
  pending("1,000 connections that say nothing", 1000, () => {}),
  pending("1,000 upgrades at once", 1000, (socket) => socket.write(request("GET /", UPGRADE()))),
  pending("1,000 half frames", 1000, (socket) => {
    socket.write(request("GET /", UPGRADE()));
    socket.write(frameBytes(OPCODE.text, "x".repeat(1000)).subarray(0, 500));
  }),
  pending("200 frames of which the last byte is missing", 200, (socket) => {
    socket.write(request("GET /", UPGRADE()));
    socket.write(frameBytes(OPCODE.text, "x".repeat(MAX)).subarray(0, MAX));
  }),

  heavy("joining and leaving among members", (by) => membership(by), {
    stock: "members",
    variables: WITH_MEMBERS,
    async before(by) {
      claims.set(by, await inviteOf(by.url));
    },
  }),
  heavy("asking for an invite", () => endless(() => '["REQ","x",{"kinds":[28935]}]'), {
    stock: "members",
    variables: { ...WITH_MEMBERS, INVITE_ACCESS: "members" },
  }),
  heavy("the list of members", () => endless(() => '["REQ","x",{"kinds":[13534,33534,8000]}]'), {
    stock: "members",
    variables: WITH_MEMBERS,
    key: 5000,
  }),
];

const claims = new Map<Attacker, string>();

function* membership(by: Attacker): Generator<Frame> {
  const claim = claims.get(by) ?? "";
  for (;;) {
    yield by.eventFrame({ kind: 28_936, tags: [["-"]] });
    yield by.eventFrame({ kind: 28_934, tags: [["-"], ["claim", claim]] });
  }
}
