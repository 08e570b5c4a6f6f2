import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nsecEncode } from "nostr-tools/nip19";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { alice, bob, signed } from "../support/keys.ts";
import { openClient, ROOT, type Server, startServer, until } from "../support/server.ts";

// The snippets of docs/connect.md, as the document says to run them: each logs in, publishes, receives, and is back after the
// relay was killed.

/** A Python that has the package of a snippet; CI has none. */
const PYTHON = process.env.NEXUS_TEST_PYTHON ?? "python3";

const SNIPPETS = ["nostr-tools", "ndk", "applesauce", "welshman", "rust-nostr", "websocket"];
const hasPython = spawnSync(PYTHON, ["-c", "import nostr_sdk; nostr_sdk.ClientBuilder"]).status === 0;
if (!hasPython) console.warn(`examples/connect/python.py is not run: ${PYTHON} has no package nostr-sdk 0.45`);

/** How long the relay is away: libraries try again a second later. */
const ABSENCE_MS = 3000;

const directory = mkdtempSync(join(tmpdir(), "nexus-examples-"));
const keyFile = join(directory, "agent.key");
const running = new Map<string, { child: ChildProcess; printed: string }>();
let server: Server;

beforeAll(async () => {
  writeFileSync(keyFile, nsecEncode(alice.secret), { mode: 0o600 });
  server = await startServer();
});

afterAll(async () => {
  for (const { child } of running.values()) child.kill("SIGKILL");
  await server.stop();
  rmSync(directory, { recursive: true });
});

function start(name: string, program: string, file: string): void {
  const child = spawn(program, [join("examples/connect", file), server.url, keyFile], { cwd: ROOT });
  const entry = { child, printed: "" };
  running.set(name, entry);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      entry.printed += text;
    });
  }
}

/** Publishes events now and then until every snippet has printed one of them. */
async function reaches(): Promise<void> {
  const writer = await openClient(server.url);
  await writer.auth(bob, server.url);
  const contents: string[] = [];
  const missing = () =>
    [...running].filter(([, { printed }]) => !contents.some((content) => printed.includes(content)));
  await until(
    "all snippets are served",
    async () => {
      const event = signed(bob, { tags: [["t", "hello"]], content: crypto.randomUUID() });
      contents.push(event.content);
      expect((await writer.publish(event))[2]).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 300));
      return missing().length === 0;
    },
    40_000,
  ).catch(() => {});
  writer.close();
  expect(missing().map(([name, { printed }]) => `${name}: ${printed}`)).toEqual([]);
}

// The way back is the client's: one host shows it.
test.skipIf(inject("host") === "workers")(
  "each snippet is served, and is back after kill -9",
  { timeout: 120_000 },
  async () => {
    for (const name of SNIPPETS) start(name, process.execPath, `${name}.mjs`);
    if (hasPython) start("python", PYTHON, "python.py");
    await reaches();
    for (const [name, { printed }] of running) expect(printed, name).toMatch(/^from /m);
    await server.kill();
    // The first attempt of each is refused.
    await new Promise((resolve) => setTimeout(resolve, ABSENCE_MS));
    await server.restart();
    await reaches();
  },
);
