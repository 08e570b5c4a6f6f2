import { expect, onTestFinished, test } from "vitest";
import { alice } from "../support/keys.ts";
import { openClient, startServer, until } from "../support/server.ts";

const SECRET = "1".repeat(64);
const TOKEN = "a-token-of-some-length";

/** Lines of the log in what a process has printed. */
const linesOf = (output: string) =>
  output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("R-08-11 the log tells of the start, of a refused login and of an ended connection, and no secrets", async () => {
  const env = { RELAY_SECRET_KEY: SECRET, METRICS_TOKEN: TOKEN, AUTH_TIMEOUT: "1", MIN_POW: "0", MAX_LIMIT: "50" };
  const server = await startServer(env);
  onTestFinished(() => server.stop());
  const client = await openClient(server.url);
  expect((await client.auth(alice, "wss://another.example"))[2]).toBe(false);
  await until("the connection is ended", () => server.output().includes("connection ended"));
  const lines = linesOf(server.output());
  expect(lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
    "info started",
    "info login refused",
    "warn connection ended",
  ]);
  expect(lines[0]).toMatchObject({ MAX_LIMIT: "50", RELAY_SECRET_KEY: "(set)", METRICS_TOKEN: "(set)" });
  expect(lines[0]).not.toHaveProperty("MIN_POW");
  expect(lines[1]).toMatchObject({ reason: expect.stringMatching(/^auth-required: relay tag must be /) });
  expect(lines[2]).toMatchObject({
    connection: lines[1]?.connection,
    reason: expect.stringMatching(/no login within/),
  });
  expect(server.output()).not.toContain(SECRET.slice(0, 16));
  expect(server.output()).not.toContain(TOKEN);
});

test("R-08-11 LOG_LEVEL=error leaves that out, and LOG_FORMAT=text is no JSON", async () => {
  const quiet = await startServer({ LOG_LEVEL: "error" });
  onTestFinished(() => quiet.stop());
  expect(linesOf(quiet.output())).toEqual([]);
  const text = await startServer({ LOG_FORMAT: "text" });
  onTestFinished(() => text.stop());
  expect(linesOf(text.output())).toEqual([]);
  expect(text.output()).toMatch(/^\d{4}-\S+Z info {2}started version=/m);
});
