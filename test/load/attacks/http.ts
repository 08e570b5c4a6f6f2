import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { frameBytes, OPCODE, RawSocket } from "../../../bench/raw.ts";
import { Signer } from "../../../bench/signer.ts";
import { type Attack, Attacker, fresh } from "./attack.ts";
import { MANAGED, OWNER, sha256 } from "./stocks.ts";

// Connections that come and go or never get anywhere, and HTTP requests. A new one is one line.

/** A frame may have somewhat more characters. */
const MAX = 524_000;

const list = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

/** Repeats what one client does, many at a time, until the end. */
export function storm(
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
export function exchange(url: string, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectTo(url);
    socket.once("data", () => socket.destroy());
    socket.once("close", () => resolve());
    socket.setTimeout(5000, () => socket.destroy());
    socket.write(bytes);
  });
}

export const request = (line: string, headers = "", body = "") =>
  `${line} HTTP/1.1\r\nHost: x\r\n${headers}${body === "" ? "" : `Content-Length: ${body.length}\r\n`}\r\n${body}`;
export const RPC = "Content-Type: application/nostr+json+rpc\r\n";
const UPGRADE = () =>
  `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n`;

const caller = new Signer(OWNER);
/** The header of NIP-98 for a body, signed by a stranger unless told. */
export function authorization(url: string, body: string, tags: string[][] = [], isForged = false, by = caller): string {
  const created_at = Math.floor(Date.now() / 1000);
  const own = [
    ["u", `${url.replace(/^ws/, "http")}/`],
    ["method", "POST"],
    ["payload", sha256(body)],
    ["n", `${fresh()}`],
  ];
  const event = by.sign({ kind: 27_235, created_at, tags: [...own, ...tags], content: "" });
  const sent = isForged ? { ...event, sig: "0".repeat(128) } : event;
  return `Authorization: Nostr ${Buffer.from(JSON.stringify(sent)).toString("base64")}\r\n`;
}
const CALL = '{"method":"stats","params":[]}';

export const HTTP: readonly Attack[] = [
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
  storm("GET of NIP-11, as many as 64 KiB hold", 50, (url) =>
    exchange(url, "GET / HTTP/1.1\r\nHost:x\r\n\r\n".repeat(2400)),
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
];
