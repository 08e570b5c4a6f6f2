import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { key } from "../support/keys.ts";
import { freePort, until } from "../support/server.ts";
import { hex, NEXUS, runNexus } from "./command.ts";

interface Finding {
  check: string;
  state: string;
  advice?: string;
}

/** It cannot be written, others may look into it, and there is no room. */
const NO_PLACE = ["data directory", "data directory", "free space"];

let directory: string;
let port: number;
const relay = { stop: async () => {} };

// No variable of who runs the tests.
const env = { PATH: process.env.PATH, HOME: process.env.HOME };
const run = (args: string[], own: NodeJS.ProcessEnv = {}) =>
  runNexus(args, { cwd: directory, env: { ...env, ...own } });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "nexus-setup-"));
  port = await freePort();
  mkdirSync(join(directory, "backups"));
  writeFileSync(join(directory, "backups", "nexus-1.sqlite"), "");
});

afterAll(async () => {
  await relay.stop();
  await rm(directory, { recursive: true });
});

async function start() {
  const child = spawn(process.execPath, [NEXUS, "start"], {
    cwd: directory,
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  let printed = "";
  child.stdout.on("data", (text) => {
    printed += text;
  });
  relay.stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, "exit");
  };
  await until("it runs", () => printed.includes("Nexus is running"));
}

/** What doctor says is not right, with these variables. */
async function diagnose(own: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const { code, stdout } = await run(["doctor", "--json"], { BACKUP_DIR: "backups", ...own });
  const findings = JSON.parse(stdout) as Finding[];
  const faults = findings.filter(({ state }) => state !== "ok");
  expect(faults.filter(({ advice }) => advice === undefined)).toEqual([]);
  expect(code).toBe(faults.some(({ state }) => state === "wrong") ? 1 : 0);
  return faults.map(({ check }) => check);
}

test("init makes keys and a settings file that only the owner may read, and writes over neither", async () => {
  const { code, stdout } = await run(["init", "--yes", "--name", "Ann's relay", "--port", String(port)]);
  expect(code).toBe(0);
  expect(stdout).toContain("npx nexus start");
  for (const file of [".env", "operator.key"]) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
  expect(stdout).not.toContain(readFileSync(join(directory, "operator.key"), "utf8").trim());
  const before = readFileSync(join(directory, ".env"), "utf8");
  expect(await run(["init", "--yes"])).toMatchObject({ code: 1 });
  expect(readFileSync(join(directory, ".env"), "utf8")).toBe(before);
  // Set up anew, it has the operator whose key is here.
  rmSync(join(directory, ".env"));
  const again = await run(["init", "--yes", "--name", "Ann's relay", "--port", String(port)]);
  const operator = /^Operator (npub1\w+), secret key in operator.key/m;
  expect(operator.exec(again.stdout)?.[1]).toBe(operator.exec(stdout)?.[1] ?? "none");
});

test("init asks nobody who is not there, and writes no settings that the relay would refuse", async () => {
  const other = await mkdtemp(join(tmpdir(), "nexus-init-"));
  const init = (...args: string[]) => runNexus(["init", ...args], { cwd: other, env });
  expect(await init()).toMatchObject({ code: 2 });
  expect(await init("--yes", "--access", "nobody")).toMatchObject({ code: 2 });
  expect(await init("--yes", "--port", "70000")).toMatchObject({ code: 1 });
  for (const url of ["ftp://example.com", "members", "wss://", "a b"]) {
    expect(await init("--yes", "--url", url)).toMatchObject({ code: 2, stderr: expect.stringContaining("no URL") });
  }
  expect(await init("--yes", "--operator", "ann")).toMatchObject({ code: 2 });
  expect(readdirSync(other)).toEqual([]);
  await rm(other, { recursive: true });
});

test("without a relay doctor says so", async () => {
  expect(await diagnose()).toEqual(["data directory", "port", "reachable"]);
});

test("what init wrote starts, and nothing is wrong with it", async () => {
  await start();
  expect(await diagnose()).toEqual([]);
  const info = await run(["info", "--json"]);
  expect(JSON.parse(info.stdout)).toMatchObject({ name: "Ann's relay" });
  expect(await run(["invite", "new"])).toMatchObject({ code: 0 });
});

test.each<[string, NodeJS.ProcessEnv, string[]]>([
  ["a malformed setting", { MAX_LIMIT: "many" }, ["settings"]],
  ["a misspelt setting", { MAX_LIMITS: "5" }, ["settings"]],
  ["no key", { NEXUS_KEY_FILE: "" }, ["your key", "login"]],
  ["a key file that is none", { NEXUS_KEY_FILE: ".env" }, ["your key", "login"]],
  ["a key of somebody else", { NEXUS_KEY: hex(key(77).secret), NEXUS_KEY_FILE: "" }, ["operator", "management"]],
  [
    "the relay's key at the operator",
    { RELAY_SECRET_KEY: hex(key(78).secret), RELAY_PUBKEY: key(78).pubkey },
    ["relay key", "operator"],
  ],
  ["no key of the relay", { RELAY_SECRET_KEY: "" }, ["relay key"]],
  ["a key of the relay that is none", { RELAY_SECRET_KEY: "0".repeat(64) }, ["settings"]],
  ["a data directory that is not there", { NEXUS_DATA_DIR: "elsewhere" }, ["data directory"]],
  ["a data directory that cannot be written, without room", { NEXUS_DATA_DIR: "/proc/self" }, NO_PLACE],
  ["no operator", { RELAY_PUBKEY: "" }, ["operator"]],
  ["backups that are not there", { BACKUP_DIR: "none" }, ["backups"]],
  ["backups that nobody makes", { BACKUP_DIR: "" }, ["backups"]],
])("doctor finds %s", async (_, own, faults) => {
  expect(await diagnose(own)).toEqual(faults);
});

test("doctor finds files and directories that others may read", async () => {
  chmodSync(join(directory, ".env"), 0o644);
  chmodSync(join(directory, "operator.key"), 0o644);
  chmodSync(join(directory, ".nexus"), 0o755);
  expect(await diagnose()).toEqual(["settings file", "key file", "data directory"]);
  chmodSync(join(directory, ".env"), 0o600);
  chmodSync(join(directory, "operator.key"), 0o600);
  chmodSync(join(directory, ".nexus"), 0o700);
});

test("doctor finds a port that another program has", async () => {
  const other = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(other, "listening");
  const taken = String((other.address() as { port: number }).port);
  expect(await diagnose({ PORT: taken })).toEqual(["port", "reachable"]);
  other.close();
});

test("doctor finds a database that is damaged or newer, and backups that are late", async () => {
  const other = join(directory, "damaged");
  mkdirSync(other, { mode: 0o700 });
  const database = join(other, "nexus.sqlite");
  writeFileSync(database, "SQLite format 3\0 and nothing more".padEnd(5000, "x"));
  expect(await diagnose({ NEXUS_DATA_DIR: other })).toEqual(["database"]);
  rmSync(database);
  const newer = new DatabaseSync(database);
  newer.exec("CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY); INSERT INTO meta VALUES('schema', '999')");
  newer.close();
  expect(await diagnose({ NEXUS_DATA_DIR: other })).toEqual(["database"]);
  const backups = join(directory, "late");
  mkdirSync(backups);
  writeFileSync(join(backups, "nexus-1.sqlite"), "");
  const days = Date.now() / 1000 - 3 * 86_400;
  utimesSync(join(backups, "nexus-1.sqlite"), days, days);
  expect(await diagnose({ BACKUP_DIR: backups })).toEqual(["backups"]);
  expect(await diagnose({ BACKUP_DIR: ".env" })).toEqual(["backups"]);
});

test("doctor finds few open files", async () => {
  const command = `ulimit -n 500; exec "${process.execPath}" "${NEXUS}" doctor --json`;
  const child = spawn("sh", ["-c", command], {
    cwd: directory,
    env: { ...env, BACKUP_DIR: "backups" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let printed = "";
  child.stdout.on("data", (text) => {
    printed += text;
  });
  await once(child, "close");
  const findings = JSON.parse(printed.split("\n")[0] ?? "") as Finding[];
  const found = findings.filter(({ state }) => state !== "ok").map(({ check }) => check);
  expect(found).toEqual(["open files"]);
});

/** Something that looks like a relay to a request, at an hour of its own, and lets no upgrade through. */
test("doctor finds a clock that is wrong, and a proxy that drops the upgrade", async () => {
  const proxy = createHttpServer((_, response) => {
    response.setHeader("Date", new Date(Date.now() + 300_000).toUTCString());
    response.setHeader("Content-Type", "application/nostr+json");
    response.end('{"name":"behind"}');
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const url = `ws://127.0.0.1:${(proxy.address() as { port: number }).port}`;
  const { stdout } = await run(["doctor", "--relay", url, "--json"]);
  const findings = JSON.parse(stdout) as Finding[];
  expect(findings.filter(({ state }) => state === "wrong").map(({ check }) => check)).toEqual(["clock", "WebSocket"]);
  proxy.close();
});

test("doctor finds a relay with a public URL that is open to every key", async () => {
  const found = await diagnose({ RELAY_URL: "wss://relay.invalid", READ_ACCESS: "open", WRITE_ACCESS: "members" });
  expect(found).toEqual(["access", "reachable"]);
});

test("doctor finds a URL under which nobody may log in", async () => {
  const settings = join(directory, ".env");
  const before = readFileSync(settings, "utf8");
  await relay.stop();
  writeFileSync(settings, `${before}RELAY_URL=wss://relay.example.com\nRELAY_URL_MATCH=exact\n`);
  await start();
  const { code, stdout } = await run(["doctor", "--relay", `ws://127.0.0.1:${port}`, "--json"]);
  expect(code).toBe(1);
  const findings = JSON.parse(stdout) as Finding[];
  const [fault] = findings.filter(({ state }) => state === "wrong");
  expect(fault).toMatchObject({ check: "login", advice: expect.stringContaining("RELAY_URL") });
  // The commands know by the settings under which name to log in.
  expect(await run(["invite", "new"])).toMatchObject({ code: 0 });
  writeFileSync(settings, before);
});
