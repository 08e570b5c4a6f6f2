import { expect, onTestFinished, test } from "vitest";
import { RawSocket } from "../../bench/raw.ts";
import { startServer } from "../support/server.ts";

/** The process of the test may have 1,024 files. */
const CONNECTIONS = 400;

test("R-06-38 R-01-08 who stops tells all of its clients, and ends with exit code 0", async () => {
  const server = await startServer({ AUTH_REQUIRED: "false", LIMIT_CONNECT: "off", LIMIT_REQ: "off" });
  onTestFinished(() => server.stop());
  const codes = await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, i) => {
      const socket = await RawSocket.open(server.url, { localAddress: `127.0.0.${1 + (i % 100)}` });
      const opened = new Promise((resolve) => (socket.onText = resolve));
      const closed = new Promise<number>((resolve) => (socket.onClose = resolve));
      // The names that nostr-tools gives: it comes back only after a Close.
      socket.send('["REQ","sub:1",{"kinds":[1],"limit":0}]');
      await opened;
      return { closed };
    }),
  );
  await server.kill("SIGTERM");
  expect(server.exitCode()).toBe(0);
  expect(new Set(await Promise.all(codes.map(({ closed }) => closed)))).toEqual(new Set([1001]));
}, 60_000);
