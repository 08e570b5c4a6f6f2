import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { RawSocket } from "../../bench/raw.ts";
import { Signer } from "../../bench/signer.ts";
import { DATABASE, startRelay } from "../../src/hosts/node/main.ts";
import { openSql } from "../../src/hosts/node/sql.ts";
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

test("R-06-38 the counts that a stop under load leaves are of all events that are stored", async () => {
  const directory = await mkdtemp(join(tmpdir(), "nexus-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const variables = { AUTH_REQUIRED: "false", LIMIT_EVENT: "off", LIMIT_BYTES: "off" };
  const relay = await startRelay({ variables, dataDirectory: directory, host: "127.0.0.1", port: 0, failed() {} });
  const socket = await RawSocket.open(`ws://127.0.0.1:${relay.port}`);
  const answered = new Promise<void>((resolve) => {
    socket.onText = (text) => String(text).startsWith('["OK"') && resolve();
  });
  const signer = new Signer(7);
  const created_at = Math.floor(Date.now() / 1000);
  for (let i = 0; i < 1000; i++) {
    socket.send(JSON.stringify(["EVENT", signer.sign({ kind: 1, created_at, tags: [], content: `${i}` })]));
  }
  await answered;
  await relay.stop();
  const sql = openSql(join(directory, DATABASE));
  onTestFinished(() => sql.close());
  const [head] = sql.all("SELECT max(seq) FROM event")[0] ?? [];
  const [saved] = sql.all("SELECT value FROM meta WHERE key = 'counts'")[0] ?? [];
  expect((JSON.parse(String(saved)) as { head: number }).head).toBe(head);
}, 60_000);
