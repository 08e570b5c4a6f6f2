import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket as NetSocket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Outbox } from "../../src/hosts/node/outbox.ts";
import { Sockets } from "../../src/hosts/node/sockets.ts";
import { SyncGate } from "../../src/hosts/node/sync-gate.ts";
import { Connection, newIdentity } from "../../src/relay/connection.ts";
import { Connections } from "../../src/relay/connections.ts";
import type { Socket } from "../../src/relay/ports.ts";
import type { Subscription } from "../../src/relay/read/subscription.ts";
import { BINARY, CLOSE, frame, PING, PONG, RawClient, TEXT } from "./raw-client.ts";

const MAX = 100_000;

/** What the relay has been told, and what it does: it echoes texts unless told otherwise. */
let heard: string[];
let charged: number;
let answer: (socket: Socket, text: string) => void;
let sockets: Sockets;
let server: Server;
let port: number;
let syncs: ((error: Error | null) => void)[];
let outbox: Outbox;
let opened: Connection[];

beforeEach(async () => {
  [heard, syncs, opened, charged] = [[], [], [], 0];
  answer = (socket, text) => socket.send(text);
  const gate = new SyncGate(
    { sync: (done) => syncs.push(done) },
    () => {},
    () => sockets.abort(1011, "stop"),
  );
  outbox = new Outbox(gate);
  const relay = {
    open(socket: Socket) {
      const identity = newIdentity(0, (bytes) => "0".repeat(2 * bytes));
      return new Connection(socket, identity, new Set(), undefined);
    },
    receive(connection: Connection, text: string) {
      heard.push(text);
      answer(connection.socket, text);
    },
    receiveBinary: (_: Connection, bytes: number) => void heard.push(`binary ${bytes}`),
    connections: new Connections(),
    charge: (_: Connection, units: number) => {
      charged += units;
    },
    leave(connection: Connection) {
      if (!connection.isGone) heard.push("left");
      connection.isGone = true;
    },
  };
  const deps = { relay, outbox, maxFrameLength: () => 1 << 20, config: { authRequired: true } };
  sockets = new Sockets({ ...deps, opened: (connection) => opened.push(connection) });
  server = createServer();
  server.on("upgrade", (request, net, head) => {
    sockets.accept(net as NetSocket, request.headers["sec-websocket-key"] ?? "", head, undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  sockets.hangUp();
  server.close();
  while (sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("texts come in order, in pieces of any size, also behind the request itself", async () => {
  const client = await RawClient.open(port, frame(TEXT, "0"));
  const frames = Buffer.concat(Array.from({ length: 50 }, (_, i) => frame(TEXT, `${i + 1}`.padEnd(i * 30))));
  for (let at = 0; at < frames.length; at += 777) {
    client.send(frames.subarray(at, at + 777));
    if (at % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await client.until(() => client.texts().length === 51);
  expect(client.texts().map(Number)).toEqual(Array.from({ length: 51 }, (_, i) => i));
});

test("a message in fragments, with a ping between them, is one", async () => {
  const client = await RawClient.open(port);
  client.send(frame(TEXT, "a", { isLast: false }), frame(0, "", { isLast: false }));
  client.send(frame(PING, "x"), frame(0, "é", { isLast: false }), frame(0, "b"));
  await client.until(() => client.texts().length === 1);
  expect(client.texts()).toEqual(["aéb"]);
  expect(client.frames.find(({ opcode }) => opcode === PONG)?.data.toString()).toBe("x");
});

test("R-01-05 ping is answered with pong in its place, costs something, and is not for the relay", async () => {
  const client = await RawClient.open(port);
  client.send(frame(TEXT, "a"), frame(TEXT, "ping"), frame(TEXT, "b"), frame(TEXT, "PING"));
  await client.until(() => client.texts().length === 4);
  expect(client.texts()).toEqual(["a", "pong", "b", "PING"]);
  expect(heard).toEqual(["a", "b", "PING"]);
  const before = charged;
  expect(before).toBeGreaterThan(0);
  client.send(frame(PING, "1"), frame(PING, "2"));
  await client.until(() => client.frames.filter(({ opcode }) => opcode === PONG).length === 2);
  expect(charged).toBe(3 * before);
});

test("a binary frame is handed on as its size, a pong is ignored", async () => {
  const client = await RawClient.open(port);
  client.send(frame(PONG, "x"), frame(BINARY, Buffer.alloc(70_000)), frame(TEXT, "a"));
  await client.until(() => client.texts().length === 1);
  expect(heard).toEqual(["binary 70000", "a"]);
});

const violations: [what: string, code: number, frames: Buffer[]][] = [
  ["invalid UTF-8", 1007, [frame(TEXT, Buffer.from([0x22, 0xff, 0x22]))]],
  ["invalid UTF-8 across fragments", 1007, [frame(TEXT, Buffer.from([0xc3]), { isLast: false }), frame(0, "a")]],
  ["no mask", 1002, [frame(TEXT, "a", { isMasked: false })]],
  ["reserved bits", 1002, [Buffer.concat([Buffer.of(0xc1), frame(TEXT, "a").subarray(1)])]],
  ["an unknown opcode", 1002, [frame(3)]],
  ["a continuation of nothing", 1002, [frame(0, "a")]],
  ["a long ping", 1002, [frame(PING, "a".repeat(126))]],
  ["a Close with an unusable code", 1002, [frame(CLOSE, Buffer.of(0, 1))]],
  ["a Close with a reason that is no UTF-8", 1007, [frame(CLOSE, Buffer.of(3, 232, 0xff))]],
  [
    "endless empty fragments",
    1008,
    [frame(TEXT, "", { isLast: false }), ...Array(2000).fill(frame(0, "", { isLast: false }))],
  ],
  ["a length of 2 MiB, before a byte of it has come", 1009, [frame(TEXT, Buffer.alloc(2 << 20)).subarray(0, 14)]],
];
for (const [what, code, frames] of violations) {
  test(`${what} is answered with ${code}, and ends the connection`, async () => {
    const client = await RawClient.open(port);
    client.send(frame(TEXT, "before"), ...frames, frame(TEXT, "after"));
    await client.until(() => client.closed !== undefined);
    expect(client.closed).toBe(code);
    expect(heard).toEqual(["before", "left"]);
    client.socket.end();
    await client.until(() => client.hasEnded && sockets.size === 0);
  });
}

test("what is a little too long for the relay is handed to it, to be refused with a NOTICE", async () => {
  const client = await RawClient.open(port);
  client.send(frame(TEXT, "a".repeat(MAX + 1)));
  await client.until(() => client.texts().length === 1);
  expect(client.texts()[0]).toHaveLength(MAX + 1);
});

for (const code of [1000, 4999, undefined]) {
  test(`a Close with ${code ?? "no code"} is answered with the same, and the connection ends`, async () => {
    const client = await RawClient.open(port);
    client.send(frame(TEXT, "a"), frame(CLOSE, code === undefined ? "" : Buffer.of(code >> 8, code & 255)));
    await client.until(() => client.hasEnded, 1000);
    expect(client.texts()).toEqual(["a"]);
    expect(client.closed).toBe(code ?? 1005);
    expect(heard).toEqual(["a", "left"]);
  });
}

test("the end of the network connection is the end of the connection, once", async () => {
  const [one, other] = [await RawClient.open(port), await RawClient.open(port)];
  one.socket.end();
  await one.until(() => one.hasEnded && heard.length === 1);
  other.socket.resetAndDestroy();
  await other.until(() => heard.length === 2);
  expect(heard).toEqual(["left", "left"]);
  expect(sockets.size).toBe(0);
});

test("Close of the relay leaves behind what is queued; nothing is sent after it", async () => {
  answer = (socket) => {
    for (let i = 0; i < 100; i++) socket.send(`${i}`);
    socket.close(1008, "enough");
    socket.send("late");
  };
  const client = await RawClient.open(port);
  client.send(frame(TEXT, "a"));
  await client.until(() => client.closed === 1008);
  expect(client.texts()).toHaveLength(100);
  expect(client.hasEnded).toBe(false);
  client.send(frame(CLOSE, Buffer.of(3, 240)));
  await client.until(() => client.hasEnded);
});

test("nothing is read of who is paused, until it is resumed", async () => {
  const client = await RawClient.open(port);
  answer = (socket) => void socket.pause();
  client.send(...Array.from({ length: 20_000 }, (_, i) => frame(TEXT, `${i}`)));
  await new Promise((resolve) => setTimeout(resolve, 100));
  // What was looked at in one go.
  expect(heard.length).toBeLessThan(100);
  answer = () => {};
  opened[0]?.socket.resume();
  await client.until(() => heard.length === 20_000);
  expect(heard.map(Number)).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
});

test("a flood of small frames is served in many turns", async () => {
  const flooder = await RawClient.open(port);
  answer = () => {};
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  flooder.send(...Array.from({ length: 20_000 }, () => frame(TEXT, "x")), frame(TEXT, "end"));
  await flooder.until(() => heard.at(-1) === "end");
  isOver = true;
  // 2,000 units of 4 a frame.
  expect(turns).toBeGreaterThan(20_000 / 600);
});

test("what is sent after a commit waits for the sync, and other sockets with it", async () => {
  const [writer, reader] = [await RawClient.open(port), await RawClient.open(port)];
  answer = (socket, text) => {
    if (text === "write") outbox.committed();
    for (const { socket } of opened) socket.send(`about ${text}`);
    socket.send(`answer to ${text}`);
  };
  writer.send(frame(TEXT, "write"));
  await writer.until(() => syncs.length === 1);
  reader.send(frame(TEXT, "read"));
  await reader.until(() => heard.length === 2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([writer.texts(), reader.texts()]).toEqual([[], []]);
  syncs.shift()?.(null);
  await reader.until(() => reader.texts().length === 3 && writer.texts().length === 3);
  expect(writer.texts()).toEqual(["about write", "answer to write", "about read"]);
  expect(reader.texts()).toEqual(["about write", "about read", "answer to read"]);
});

test("what is sent in the same turn, before the commit, does not wait for it", async () => {
  const client = await RawClient.open(port);
  answer = (socket, text) => {
    socket.send("before");
    outbox.committed();
    socket.send(`after ${text}`);
    outbox.committed();
  };
  client.send(frame(TEXT, "one"));
  await client.until(() => client.texts().length === 1 && syncs.length === 1);
  expect(client.texts()).toEqual(["before"]);
  // Behind the sync that runs, and not behind the next.
  client.send(frame(TEXT, "two"));
  await client.until(() => heard.length === 2);
  syncs.shift()?.(null);
  await client.until(() => client.texts().length === 3 && syncs.length === 1);
  expect(client.texts()).toEqual(["before", "after one", "before"]);
  syncs.shift()?.(null);
  await client.until(() => client.texts().length === 4);
  expect(client.texts().at(-1)).toBe("after two");
});

test("when a sync fails everybody gets 1011, and nothing of what was held", async () => {
  const [writer, reader] = [await RawClient.open(port), await RawClient.open(port)];
  answer = () => {
    outbox.committed();
    for (const { socket } of opened) socket.send("stored");
  };
  writer.send(frame(TEXT, "write"));
  await writer.until(() => syncs.length === 1);
  syncs.shift()?.(new Error("EIO"));
  await reader.until(() => reader.closed === 1011 && writer.closed === 1011);
  expect([writer.texts(), reader.texts()]).toEqual([[], []]);
});

test("who does not read becomes crowded, then overflows; a stranger sooner", async () => {
  const client = await RawClient.open(port);
  client.socket.pause();
  const connection = opened[0] as Connection;
  const { socket } = connection;
  const send = async (bytes: number) => {
    for (let sent = 0; sent < bytes; sent += 100_000) socket.send("a".repeat(100_000));
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  expect([socket.isCrowded, socket.isOverflowing]).toEqual([false, false]);
  // What the kernel takes is not known.
  while (!socket.isCrowded) await send(500_000);
  expect(socket.isOverflowing).toBe(true);
  connection.authed.add("a");
  expect(socket.isOverflowing).toBe(false);
  await send(33_000_000);
  expect(socket.isOverflowing).toBe(true);
  client.socket.resume();
  await client.until(() => !socket.isCrowded);
  expect(socket.isOverflowing).toBe(false);
});

test("who is closed for what it has not read gets little more than the Close, when it reads; it is not paused any more", async () => {
  const client = await RawClient.open(port);
  client.socket.pause();
  const { socket } = opened[0] as Connection;
  for (let i = 0; i < 100; i++) {
    socket.send("a".repeat(500_000));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(socket.isOverflowing).toBe(true);
  socket.pause();
  socket.send("why");
  socket.close(1008, "too slow");
  expect(socket.isOverflowing).toBe(true);
  client.socket.resume();
  await client.until(() => client.closed === 1008);
  expect(client.texts().at(-1)).toBe("why");
  expect(client.texts().length).toBeLessThan(60);
  client.send(frame(CLOSE, Buffer.of(3, 240)));
  await client.until(() => client.hasEnded);
});

for (const [name, code] of [
  ["sub:1", 1001],
  ["other", undefined],
] as const) {
  test(`hanging up sends what is queued; a client with subscription ${name} gets Close ${code}`, async () => {
    const client = await RawClient.open(port);
    opened[0]?.subscriptions.set(name, {} as Subscription);
    opened[0]?.socket.send("last");
    sockets.hangUp();
    await client.until(() => client.hasEnded);
    expect(client.texts()).toEqual(["last"]);
    expect(client.closed).toBe(code);
  });
}
