import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, type Key } from "../support/keys.ts";
import { freePort, ROOT, until } from "../support/server.ts";
import { NEXUS, openPlace, type Place } from "./command.ts";

// The programs of examples/agents, none of which can log in, each behind a proxy with a key of its own, over a relay for
// members only (docs/agents.md).

/** A Python that has pynostr; CI has none. */
const PYTHON = process.env.NEXUS_TEST_PYTHON ?? "python3";
const hasPynostr = spawnSync(PYTHON, ["-c", "import pynostr"]).status === 0;
if (!hasPynostr) console.warn(`examples/agents/pynostr_agent.py is not run: ${PYTHON} has no package pynostr`);

/** None may outlive the tests. */
const children: ChildProcess[] = [];
let place: Place;
/** The proxies of the two agents. */
let proxies: string[];

beforeAll(async () => {
  place = await openPlace({ READ_ACCESS: "members", WRITE_ACCESS: "members" });
  proxies = [];
  for (const [name, key] of Object.entries({ alice, bob })) {
    await place.json("member", "add", key.pubkey);
    proxies.push(await startProxy(name, key));
  }
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await place.end();
});

async function startProxy(name: string, key: Key): Promise<string> {
  const port = String(await freePort());
  // As `nexus key new --out` writes it.
  const keyFile = `${name}.key`;
  writeFileSync(join(place.directory, keyFile), nsecEncode(key.secret), { mode: 0o600 });
  const options = ["--json", "--port", port, "--key-file", keyFile, "--relay", place.server.url];
  const child = spawn(process.execPath, [NEXUS, "proxy", ...options], { cwd: place.directory, stdio: "pipe" });
  children.push(child);
  await once(child.stdout, "data");
  return `ws://127.0.0.1:${port}`;
}

/** Runs one of the examples. */
function run(file: string, ...args: string[]) {
  const program = file.endsWith(".py") ? PYTHON : process.execPath;
  const child = spawn(program, [join(ROOT, "examples/agents", file), ...args], { cwd: place.directory });
  children.push(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  const hasEnded = () => child.exitCode !== null;
  return {
    printed: () => printed,
    prints: (text: string) => until(`${file} prints ${text}`, () => hasEnded() || printed.includes(text), 30_000),
    async ends() {
      await until(`${file} ends`, hasEnded, 50_000).catch(() => {});
      expect({ code: child.exitCode, printed }).toEqual({ code: 0, printed });
      return printed;
    },
  };
}

const linesWith = (text: string, part: string) => text.split("\n").filter((line) => line.includes(part)).length;

async function crash(): Promise<void> {
  await place.server.kill();
  await place.server.restart();
}

test("MCP: calls, both sides are back after kill -9 of the relay, a long result", async () => {
  const [first = "", second = ""] = proxies;
  const server = run("mcp-server.mjs", first, "alice.key");
  await server.prints("Ctrl-C");
  const client = run("mcp-client.mjs", second, "bob.key", npubEncode(alice.pubkey), "12");
  await client.prints("CALL 3 in");
  await crash();
  const printed = await client.ends();
  expect(linesWith(printed, "CALL ")).toBe(12);
  expect(printed).toContain("a long result: 60000 characters");
});

test("Alby's NWC: the app asks its wallet, also after kill -9 of the relay", async () => {
  const [first = "", second = ""] = proxies;
  const wallet = run("nwc.mjs", "wallet", first, "alice.key", npubEncode(bob.pubkey));
  await wallet.prints("Ctrl-C");
  const app = run("nwc.mjs", "app", second, "bob.key", npubEncode(alice.pubkey), "12");
  await app.prints("call 3: 21000");
  await crash();
  expect(linesWith(await app.ends(), "21000 msat")).toBe(12);
});

test("a plain SimplePool, before and after kill -9 of the relay", async () => {
  const [first = ""] = proxies;
  expect(linesWith(await run("pool.mjs", first, "alice.key", "3").ends(), "call ")).toBe(3);
  await crash();
  expect(linesWith(await run("pool.mjs", first, "alice.key", "3").ends(), "call ")).toBe(3);
});

test.skipIf(!hasPynostr)("pynostr, before and after kill -9 of the relay", async () => {
  const [first = ""] = proxies;
  expect(linesWith(await run("pynostr_agent.py", first, "alice.key", "3").ends(), "['call ")).toBe(3);
  await crash();
  expect(linesWith(await run("pynostr_agent.py", first, "alice.key", "3").ends(), "['call ")).toBe(3);
});
