import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { Intake, IntakeTurns } from "../../src/hosts/node/intake.ts";

const EMPTY_FRAME = Buffer.of(0x81, 0x80, 0, 0, 0, 0);
const FRAMES = 20_000;

/** Frames that a turn takes at most, once all flood, of so many sockets. */
async function mostOfTurn(sockets: number): Promise<number> {
  const turns = new IntakeTurns();
  const heard = new Set<Socket>();
  const counts = new Map<number, number>();
  let total = 0;
  const server = createServer((socket) => {
    new Intake(socket, turns, 1000, {
      text() {
        total++;
        heard.add(socket);
        if (heard.size === sockets) counts.set(turns.turn, (counts.get(turns.turn) ?? 0) + 1);
      },
      binary() {},
      ping() {},
      concluded() {},
      violated() {},
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const clients = Array.from({ length: sockets }, () => connect((server.address() as AddressInfo).port, "127.0.0.1"));
  for (const client of clients) client.write(Buffer.alloc(FRAMES * EMPTY_FRAME.length, EMPTY_FRAME));
  while (total < sockets * FRAMES) await new Promise(setImmediate);
  for (const client of clients) client.destroy();
  server.close();
  return Math.max(...counts.values());
}

describe("R-01-10", () => {
  test("a turn of the loop takes no more of 100 sockets that flood than of 20", async () => {
    expect(await mostOfTurn(100)).toBeLessThan(1.5 * (await mostOfTurn(20)));
  });
});
