import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alice } from "../support/keys.ts";
import { isAlive, relayOf } from "../support/processes.ts";
import { freePort, openClient, ROOT, type Server, startServer, until, untilFree } from "../support/server.ts";
import { serverWith } from "../support/server-with.ts";

describe("a relay started without any configuration", () => {
  let server: Server;

  beforeAll(async () => {
    server = await startServer();
  });

  afterAll(() => server.stop());

  test("prints its URLs and a first command to paste", async () => {
    const lines = server.output().split("\n");
    expect(lines.some((line) => line.includes("WebSocket") && line.endsWith(` ${server.url}`))).toBe(true);
    expect(lines.some((line) => line.includes("HTTP") && line.endsWith(` ${server.httpUrl}`))).toBe(true);
    expect(lines.map((line) => line.trim())).toContain(`node examples/quickstart.mjs ${server.url}`);
    await access(join(ROOT, "examples/quickstart.mjs"));
    expect((await fetch(server.httpUrl)).status).toBe(200);
  });

  test("R-08-02 says that every page may read it", () => {
    expect(server.output()).toMatch(/^Warning: every web page that you visit may read this relay\./m);
  });

  test("T-139 R-06-24 its NIP-11 document has the defaults and nothing empty", async () => {
    expectDefaults(await information(server));
  });

  for (const host of ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"]) {
    for (const slash of ["", "/"]) {
      test(`R-05-55 AUTH may name it ws://${host}:PORT${slash}`, async () => {
        const client = await openClient(server.url);
        expect((await client.auth(alice, `ws://${host}:${server.port}${slash}`))[2]).toBe(true);
        client.close();
      });
    }
  }

  for (const url of ["ws://localhost:1", "ws://localhost", "ws://127.0.0.2:PORT", "wss://nexus.openagents.com"]) {
    test(`R-05-53 AUTH may not name it ${url}`, async () => {
      const client = await openClient(server.url);
      const [, , accepted, text] = await client.auth(alice, url.replace("PORT", String(server.port)));
      expect(accepted).toBe(false);
      expect(text).toMatch(/^(auth-required|invalid): ./);
      client.close();
    });
  }
});

describe("a relay with a public RELAY_URL", () => {
  const server = serverWith({ RELAY_URL: "wss://relay.example.com", WRITE_ACCESS: "allowed" });

  test("R-05-55 AUTH may not name it by the names of this machine", async () => {
    const client = await openClient(server().url);
    for (const name of ["localhost", "127.0.0.1", "[::1]"]) {
      expect((await client.auth(alice, `ws://${name}:${server().port}`))[2]).toBe(false);
    }
    expect((await client.auth(alice, "wss://relay.example.com"))[2]).toBe(true);
    client.close();
  });

  test("R-08-02 says who may read and publish, and warns of what every key may", () => {
    expect(server().output()).toMatch(/^ +Reading +every key that logs in$/m);
    expect(server().output()).toMatch(/^ +Publishing +keys on the allow list and admins$/m);
    expect(server().output()).not.toContain("every web page");
    expect(server().output()).not.toContain("quickstart");
    expect(server().output()).toMatch(/^Warning: every key may read from wss:\/\/relay\.example\.com\./m);
  });
});

test("R-06-24 variables that are set but empty count as unset", async () => {
  const names = ["RELAY_NAME", "RELAY_URL", "RELAY_DESCRIPTION", "RELAY_PUBKEY", "RELAY_CONTACT", "SUPPORTED_NIPS"];
  const empty = Object.fromEntries([...names, "AUTH_REQUIRED", "MAX_LIMIT"].map((name) => [name, ""]));
  const server = await startServer({ ...empty, RELAY_DESCRIPTION: "  " });
  expectDefaults(await information(server));
  await server.stop();
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} ends it with exit code 0 within two seconds, though a client is connected`, async () => {
    const server = await startServer();
    const client = await openClient(server.url);
    const startedAt = Date.now();
    await server.kill(signal);
    expect(Date.now() - startedAt).toBeLessThan(2000);
    expect(server.exitCode()).toBe(0);
    await until("the client sees the end", () => client.closed !== undefined);
    // All that was in the log is in the one file.
    expect((await readdir(server.dataDirectory)).sort()).toEqual(["nexus.sqlite", "relay.key"]);
    await server.stop();
  });
}

test("R-06-37 its data are for its owner alone, also those that were made for more", async () => {
  const server = await startServer();
  const modes = async () => {
    const names = await readdir(server.dataDirectory);
    expect(names).toEqual(expect.arrayContaining(["lock", "nexus.sqlite", "nexus.sqlite-wal"]));
    const paths = [server.dataDirectory, ...names.map((name) => join(server.dataDirectory, name))];
    return new Set(await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o777)));
  };
  expect(await modes()).toEqual(new Set([0o700, 0o600]));
  await server.kill("SIGTERM");
  await chmod(server.dataDirectory, 0o755);
  await chmod(join(server.dataDirectory, "nexus.sqlite"), 0o644);
  await server.restart();
  expect(await modes()).toEqual(new Set([0o700, 0o600]));
  await server.stop();
});

test("data of the earlier layout are told of, and left alone", async () => {
  const dataDirectory = await mkdtemp(join(tmpdir(), "nexus-test-"));
  const old = join(dataDirectory, "objects/nexus-relay");
  await mkdir(old, { recursive: true });
  await writeFile(join(old, "0.sqlite"), "old");
  const server = await startServer({ NEXUS_DATA_DIR: dataDirectory });
  expect(server.output()).toMatch(/^The events in .*objects are of an earlier version.*\.$/m);
  await server.stop();
  expect(await readFile(join(old, "0.sqlite"), "utf8")).toBe("old");
  await rm(dataDirectory, { recursive: true });
});

describe("through npm start", () => {
  let dataDirectory: string;
  let port: number;
  let npm: ChildProcess;
  let relay: number;

  async function npmStart(): Promise<void> {
    dataDirectory = await mkdtemp(join(tmpdir(), "nexus-test-"));
    port = await freePort();
    // A process group of its own, as a terminal gives it.
    npm = spawn("npm", ["start"], {
      cwd: ROOT,
      detached: true,
      env: { ...process.env, PORT: String(port), NEXUS_DATA_DIR: dataDirectory },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    for (const stream of [npm.stdout, npm.stderr]) stream?.on("data", (bytes) => (printed += String(bytes)));
    await until("npm start is ready", () => printed.includes("Nexus is running"), 40_000);
    relay = relayOf(npm.pid ?? 0);
  }

  /** Sends the signal; waits until npm has ended and everything it has started. Returns npm's exit code. */
  async function end(send: () => void): Promise<number | null> {
    const ended = once(npm, "exit");
    send();
    const [code] = (await ended) as [number | null];
    await until("the relay is gone", () => !isAlive(relay));
    await untilFree(port);
    await rm(dataDirectory, { recursive: true, force: true });
    return code;
  }

  const pid = () => npm.pid ?? 0;

  test("SIGTERM to npm ends it with exit code 0 and leaves no process", async () => {
    await npmStart();
    expect(await end(() => process.kill(pid(), "SIGTERM"))).toBe(0);
  });

  test("SIGINT to npm ends it with exit code 0 and leaves no process", async () => {
    await npmStart();
    expect(await end(() => process.kill(pid(), "SIGINT"))).toBe(0);
  });

  test("Ctrl-C, which is SIGINT to the whole group, does the same", async () => {
    await npmStart();
    expect(await end(() => process.kill(-pid(), "SIGINT"))).toBe(0);
  });

  test("SIGKILL of npm leaves no process", async () => {
    await npmStart();
    expect(await end(() => process.kill(pid(), "SIGKILL"))).toBe(null);
  });
});

async function information(server: Server): Promise<Record<string, unknown>> {
  const response = await fetch(server.httpUrl, { headers: { Accept: "application/nostr+json" } });
  expect(response.headers.get("Content-Type")).toBe("application/nostr+json");
  return (await response.json()) as Record<string, unknown>;
}

function expectDefaults(document: Record<string, unknown>): void {
  expect(document.name).toBe("Nexus");
  expect(document.supported_nips).toEqual(expect.arrayContaining([1, 11, 42, 89, 90]));
  expect(document.limitation).toMatchObject({ auth_required: true, max_limit: 5000, default_limit: 500 });
  for (const member of ["description", "pubkey", "contact", "icon", "banner"])
    expect(document).not.toHaveProperty(member);
  const text = JSON.stringify(document);
  expect(text).not.toMatch(/:(null|""|\[\]|\{\})/);
}
