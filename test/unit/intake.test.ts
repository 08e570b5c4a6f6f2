import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Intake, IntakeTurns } from "../../src/hosts/node/intake.ts";

const EMPTY_FRAME = Buffer.of(0x81, 0x80, 0, 0, 0, 0);

let server: Server;
let clients: Socket[] = [];
afterEach(() => {
  for (const client of clients) client.destroy();
  server.close();
});

const frames = (count: number) => Buffer.alloc(count * EMPTY_FRAME.length, EMPTY_FRAME);
const turn = () => new Promise(setImmediate);

/** So many sockets that are read, with `heard` called for each frame of the nth. */
async function open(count: number, heard: (n: number) => void): Promise<void> {
  const turns = new IntakeTurns();
  const taken: Socket[] = [];
  const ignored = { binary() {}, ping() {}, concluded() {}, violated() {} };
  server = createServer((socket) => {
    const n = taken.push(socket) - 1;
    new Intake(socket, turns, 1000, { ...ignored, text: () => heard(n) });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  clients = [];
  for (let n = 0; n < count; n++) {
    clients.push(connect((server.address() as AddressInfo).port, "127.0.0.1"));
    while (taken.length === n) await turn();
  }
}

/** Frames that a turn of the loop takes at most of so many sockets that flood. */
async function mostOfTurn(sockets: number): Promise<number> {
  const each = 10_000;
  let [total, before, most] = [0, 0, 0];
  await open(sockets, () => total++);
  for (const client of clients) client.write(frames(each));
  for (; total < sockets * each; before = total) {
    await turn();
    most = Math.max(most, total - before);
  }
  return most;
}

describe("R-01-10", () => {
  test.each([1, 20, 200])(
    "a turn of the loop takes no more than 600 frames of %d sockets that flood",
    async (sockets) => {
      expect(await mostOfTurn(sockets)).toBeLessThan(600);
    },
  );

  test("one frame does not wait for what 300 others send at the same time, each a little", async () => {
    let [total, before] = [0, 0];
    await open(301, (n) => {
      total++;
      if (n === 300) before = total;
    });
    for (const client of clients.slice(0, 300)) client.write(frames(85));
    clients[300]?.write(frames(1));
    while (total < 300 * 85 + 1) await turn();
    expect(before).toBeLessThan(2000);
  });
});
