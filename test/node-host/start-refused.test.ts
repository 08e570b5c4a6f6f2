import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { nip19 } from "nostr-tools";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { alice, unique } from "../support/keys.ts";
import { freePort, openClient, ROOT, startServer } from "../support/server.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "nexus-test-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** Starts a relay that should not start; waits for its end. */
async function refusal(env: Record<string, string>): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const port = env.PORT ?? String(await freePort());
  const child = spawn(process.execPath, ["cli/start.mjs"], {
    cwd: ROOT,
    env: { ...process.env, NEXUS_DATA_DIR: join(directory, "data"), ...env, PORT: port },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes) => {
    stdout += String(bytes);
    // It should not have started; the test will say so.
    if (stdout.includes("Nexus is running")) child.kill("SIGTERM");
  });
  child.stderr.on("data", (bytes) => (stderr += String(bytes)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

/** Exit code 1, nothing on stdout, one line on stderr. */
function expectRefusal(result: Awaited<ReturnType<typeof refusal>>, ...mentioned: string[]): void {
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toMatch(/^[^\n]+\.\n$/);
  for (const word of mentioned) expect(result.stderr).toContain(word);
}

describe("R-06-25 a malformed variable is named and stops the start", () => {
  const malformed: Record<string, string[]> = {
    PORT: ["abc", "0", "65536", "80.5", "-1"],
    RELAY_PUBKEY: ["npub1qqqq", alice.pubkey.slice(1), alice.pubkey.toUpperCase()],
    RELAY_URL: [
      ...["https://relay.example.com", "relay.example.com", "ws://", "ws://me@relay.example.com"],
      ...["ws://relay.example.com/?x", "ws://relay.example.com/#x"],
    ],
    CLIENT_IP_HEADER: ["bad header", "x:y", "é"],
    RETENTION: ["20-10:5"],
    SUPPORTED_NIPS: ["1,x", "1.5", "-1"],
    AUTH_REQUIRED: ["yes", "0", "TRUE!"],
    MAX_LIMIT: ["0", "-5", "1e3", "many"],
  };
  for (const [name, values] of Object.entries(malformed)) {
    for (const value of values) {
      test(`${name}=${value}`, async () => {
        expectRefusal(await refusal({ [name]: value }), name);
      });
    }
  }

  test("two at once are both named, in one sentence", async () => {
    expectRefusal(await refusal({ RELAY_PUBKEY: "x", MAX_LIMIT: "x" }), "RELAY_PUBKEY", "MAX_LIMIT");
  });
});

test("R-06-25 a secret is not printed", async () => {
  const secret = "5ec2e7".repeat(11);
  const result = await refusal({ RELAY_SECRET_KEY: secret });
  expectRefusal(result, "RELAY_SECRET_KEY");
  expect(result.stderr).not.toContain("5ec2e7");
});

test.each(["RELAY_PUBKEY", "ADMIN_PUBKEYS", "RELAY_SECRET_KEY_FILE", "RELAY_SECRET_KEY"])(
  "R-06-25 a secret key is not printed where %s has it",
  async (name) => {
    const nsec = nip19.nsecEncode(alice.secret);
    const result = await refusal({ [name]: nsec });
    expectRefusal(result, name);
    expect(result.stderr).not.toContain(nsec.slice(5, 15));
  },
);

test("R-06-25 a secret key is not printed where the name of its file belongs", async () => {
  const secret = Buffer.from(alice.secret).toString("hex");
  const result = await refusal({ RELAY_SECRET_KEY_FILE: secret });
  expectRefusal(result, "RELAY_SECRET_KEY_FILE");
  expect(result.stderr).not.toContain(secret);
});

test("R-06-25 more aliases than fit beside the loopback names are refused at the start", async () => {
  const aliases = Array.from({ length: 98 }, (_, index) => `wss://${index}.example.com`);
  expectRefusal(await refusal({ RELAY_URL_ALIASES: aliases.join() }), "RELAY_URL_ALIASES");
});

test("a port that is taken is named", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  expectRefusal(await refusal({ PORT: String(address.port) }), String(address.port), "PORT");
  other.close();
});

test("R-06-17 a data directory that another relay runs on is named, and that relay goes on", async () => {
  const server = await startServer();
  const client = await openClient(server.url);
  await client.auth(alice, server.url);
  expectRefusal(await refusal({ NEXUS_DATA_DIR: server.dataDirectory }), server.dataDirectory, "NEXUS_DATA_DIR");
  expect((await client.publish(unique(alice)))[2]).toBe(true);
  client.close();
  // What a relay that was killed leaves behind keeps nobody out.
  await server.kill("SIGKILL");
  await server.restart();
  await server.stop();
});

test("R-06-17 of many that find what a killed relay left behind, at the same time, one has the data directory", async () => {
  // In one process they are nearer to each other than processes can be.
  const script = `import { lockDataDirectory } from "./cli/data-lock.mjs";
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => lockDataDirectory(process.argv[1])));
    console.log(JSON.stringify(all.map(({ reason }) => reason?.message ?? "mine").sort()));
    process.kill(process.pid, "SIGKILL");`;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, directory], { cwd: ROOT });
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    await once(child, "exit");
    const others = Array.from({ length: 5 }, () => expect.stringMatching(/^Another relay runs on /));
    expect(JSON.parse(String(said))).toEqual([...others, "mine"]);
  }
});

test("an address that is not of this machine is named", async () => {
  expectRefusal(await refusal({ HOST: "203.0.113.7" }), "203.0.113.7", "HOST");
});

test("a data directory that cannot be made is named", async () => {
  const file = join(directory, "file");
  await writeFile(file, "");
  expectRefusal(await refusal({ NEXUS_DATA_DIR: join(file, "data") }), join(file, "data"), "NEXUS_DATA_DIR");
});

describe("R-06-25 what stands where the relay has its files is named", () => {
  const inTheWay: Record<string, [name: string, put: (path: string) => Promise<unknown>]> = {
    "a database that is a dangling link": ["nexus.sqlite", (path) => symlink(join(directory, "nowhere"), path)],
    "a database that is a directory": ["nexus.sqlite", (path) => mkdir(path)],
    "a database that is something else": ["nexus.sqlite", (path) => writeFile(path, "no database".repeat(1000))],
    "a log that is a directory": ["nexus.sqlite-wal", (path) => mkdir(path)],
    "a key that is a dangling link": ["relay.key", (path) => symlink(join(directory, "nowhere"), path)],
    "a lock that is a directory": ["lock", (path) => mkdir(path)],
    "earlier data that are a file": ["objects", (path) => writeFile(path, "")],
  };
  for (const [title, [name, put]] of Object.entries(inTheWay)) {
    test(title, async () => {
      const data = join(directory, "data");
      await mkdir(data);
      await put(join(data, name));
      // SQLite does not say that it is the log.
      expectRefusal(await refusal({}), join(data, name.replace("-wal", "")));
    });
  }
});

test("data of a newer version are refused and left alone", async () => {
  const server = await startServer();
  const client = await openClient(server.url);
  await client.auth(alice, server.url);
  const event = unique(alice);
  expect((await client.publish(event))[2]).toBe(true);
  client.close();
  await server.kill("SIGTERM");

  const before = await writeSchema(server.dataDirectory, "999");
  const { code, stdout, stderr } = await refusal({ NEXUS_DATA_DIR: server.dataDirectory });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/newer Nexus \(schema 999\b.*\.\n$/);

  expect(await writeSchema(server.dataDirectory, before)).toBe("999");
  await server.restart();
  const again = await openClient(server.url);
  await again.auth(alice, server.url);
  expect(await again.query({ ids: [event.id] })).toEqual([event]);
  again.close();
  await server.stop();
});

/** Sets the schema number in the store of a relay that does not run; returns the one before. */
async function writeSchema(dataDirectory: string, value: string): Promise<string> {
  const names = await readdir(dataDirectory, { recursive: true });
  for (const name of names.filter((name) => name.endsWith(".sqlite"))) {
    const database = new DatabaseSync(join(dataDirectory, name));
    try {
      if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get() === undefined) continue;
      const before = database.prepare("SELECT value FROM meta WHERE key = 'schema'").get();
      database.prepare("UPDATE meta SET value = ? WHERE key = 'schema'").run(value);
      return String(before?.value);
    } finally {
      database.close();
    }
  }
  throw new Error(`no store in ${names.join(", ")}`);
}
