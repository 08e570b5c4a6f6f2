// @ts-check
import { spawn } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { childNamed, sleep } from "./process.mjs";

/** Root of this checkout. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const START_TIMEOUT_MS = 30_000;

/**
 * A relay that is measured.
 * @typedef {object} Target
 * @property {string} url
 * @property {boolean} auth whether it wants a login
 * @property {number | undefined} pid of the process whose CPU time and memory count
 * @property {() => Promise<void>} stop
 */

/**
 * The relay of a checkout, as `npm start` runs it, on an empty directory that goes with it.
 * @param {string} root
 * @returns {Promise<Target>}
 */
export async function startRelay(root) {
  const port = await freePort();
  const data = await mkdtemp(join(tmpdir(), "nexus-bench-"));
  // A measurement publishes from one address more than a person would.
  const env = { ...process.env, PORT: String(port), NEXUS_DATA_DIR: data, LIMIT_EVENT: "off", LIMIT_REQ: "off" };
  return started(spawn(process.execPath, ["cli/start.mjs"], { cwd: root, env }), port, true, data, (pid) =>
    childNamed(pid, "workerd"),
  );
}

/**
 * The least that the runtime needs to answer at all: a relay that parses, checks and stores nothing (`floor/`).
 * @returns {Promise<Target>}
 */
export async function startFloor() {
  const port = await freePort();
  const data = await mkdtemp(join(tmpdir(), "nexus-floor-"));
  const file = join(data, "config.capnp");
  await copyFile(join(ROOT, "bench/floor/worker.js"), join(data, "worker.js"));
  await writeFile(
    file,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "floor", worker = .floor)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "floor")]);
const floor :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01", compatibilityFlags = ["no_web_socket_compression"],
  durableObjectNamespaces = [(className = "Floor", uniqueKey = "floor", enableSql = true)],
  durableObjectStorage = (inMemory = void),
  bindings = [(name = "FLOOR", durableObjectNamespace = "Floor")]);
`,
  );
  const workerd = /** @type {string} */ (createRequire(import.meta.url)("workerd").default);
  return started(spawn(workerd, ["serve", file]), port, false, data, (pid) => pid);
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {number} port
 * @param {boolean} auth
 * @param {string} data
 * @param {(pid: number) => number | undefined} measured
 * @returns {Promise<Target>}
 */
async function started(child, port, auth, data, measured) {
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (printed += text));
  await untilAnswers(port, child).catch(() => {
    throw new Error(`A relay did not start:\n${printed}`);
  });
  return {
    url: `ws://localhost:${port}`,
    auth,
    pid: measured(/** @type {number} */ (child.pid)),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      // The floor would wait for its sockets; `npm start` does not.
      child.kill(auth ? "SIGTERM" : "SIGKILL");
      await ended;
      await rm(data, { recursive: true, force: true });
    },
  };
}

/**
 * Waits for a relay to answer; rejects if it does not.
 * @param {number} port
 * @param {import("node:child_process").ChildProcess} child
 */
export async function untilAnswers(port, child) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error("A relay did not start.");
    await sleep(100);
  }
}

/** @param {number} port */
async function answers(port) {
  try {
    return (await fetch(`http://localhost:${port}/health`)).ok;
  } catch {
    return false;
  }
}

/** @returns {Promise<number>} a port that nobody listens on */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}
