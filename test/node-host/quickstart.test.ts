import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, ROOT, type Server, startServer } from "../support/server.ts";

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

function quickstart(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, timeout: 30_000 };
    execFile(process.execPath, ["examples/quickstart.mjs", ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

test("the quickstart does a job, and finds it again after kill -9", async () => {
  const first = await quickstart(server.url);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.stdout).toContain("The provider received it live.");
  expect(first.stdout).toContain('The buyer received it live: "HELLO, RELAY".');
  const ids = idsIn(first.stdout);
  expect(ids).toHaveLength(4);

  // The command that it prints, word for word.
  const [, url, file] = /node examples\/quickstart\.mjs (\S+) --check (\S+)/.exec(first.stdout) ?? [];
  if (url === undefined || file === undefined) throw new Error("no command to paste");
  expect(url).toBe(server.url);
  await server.kill("SIGKILL");
  await server.restart();
  const second = await quickstart(url, "--check", file);
  expect(second).toMatchObject({ code: 0, stderr: "" });
  expect(second.stdout).toContain("Nothing was lost.");
  expect(idsIn(second.stdout)).toEqual(ids);
  await rm(file);
});

test("its check notices what is missing", async () => {
  const first = await quickstart(server.url);
  const file = /--check (\S+)/.exec(first.stdout)?.[1] ?? "";
  const other = await startServer();
  const check = await quickstart(other.url, "--check", file);
  expect(check.code).toBe(1);
  expect(check.stderr).toBe("The relay no longer has the handler and the request and the feedback and the result.\n");
  await other.stop();
  await rm(file);
});

test("without a relay it says so in one sentence", async () => {
  const url = `ws://localhost:${await freePort()}`;
  expect(await quickstart(url)).toEqual({
    code: 1,
    stdout: "",
    stderr: `No relay answers at ${url}. Start one with "npm start".\n`,
  });
});

test("a refused login is told in one sentence", async () => {
  const other = await startServer({ RELAY_URL: "wss://relay.example.com", RELAY_URL_MATCH: "exact" });
  const { code, stderr } = await quickstart(other.url);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^auth-required: [^\n]*wss:\/\/relay\.example\.com\n$/);
  await other.stop();
});

function idsIn(text: string): string[] {
  return [...text.matchAll(/^ +\w+ +([0-9a-f]{64})$/gm)].map((match) => match[1] ?? "");
}
