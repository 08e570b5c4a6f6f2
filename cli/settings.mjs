// @ts-check
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { loadConfigModule } from "./build.mjs";

/** What is wrong with the way the relay was started; the message is for the operator. */
export class StartError extends Error {}

/**
 * Where and how one relay runs on this machine.
 * @typedef {object} Settings
 * @property {string} host
 * @property {number} port
 * @property {string} dataDirectory absolute
 * @property {string} webSocketUrl what a client on this machine connects to
 * @property {Record<string, string>} variables the relay's own, checked
 */

/**
 * Reads `PORT`, `HOST`, `NEXUS_DATA_DIR` and the relay's variables. Throws {@link StartError}.
 * @param {NodeJS.ProcessEnv} environment
 * @returns {Promise<Settings>}
 */
export async function readSettings(environment) {
  const port = environment.PORT || "8787";
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    throw new StartError(`PORT must be a whole number from 1 to 65535, not "${port}".`);
  }
  const host = environment.HOST || "127.0.0.1";
  const { parseConfig, VARIABLES } = await loadConfigModule();
  /** @type {Record<string, string>} */
  const variables = {};
  for (const name of VARIABLES) {
    const value = environment[name];
    if (value !== undefined && value.trim() !== "") variables[name] = value;
  }
  variables.RELAY_URL ??= `ws://localhost:${port}`;
  let path;
  try {
    path = new URL(parseConfig(variables).relayUrls[0] ?? "").pathname;
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error));
  }
  const loopback = ["localhost", "127.0.0.1", "[::1]"].map((name) => `ws://${name}:${port}${path === "/" ? "" : path}`);
  variables.RELAY_URL_ALIASES = [variables.RELAY_URL_ALIASES, ...loopback].filter(Boolean).join(",");
  return {
    host,
    port: Number(port),
    dataDirectory: resolve(environment.NEXUS_DATA_DIR || ".nexus"),
    webSocketUrl: `ws://${reachable(host)}:${port}${path === "/" ? "" : path}`,
    variables,
  };
}

/** @param {string} host */
function reachable(host) {
  if (["127.0.0.1", "0.0.0.0", "::", "localhost"].includes(host)) return "localhost";
  return bracketed(host);
}

/**
 * A host as it stands in a URL or in front of a port.
 * @param {string} host
 */
export function bracketed(host) {
  return host.includes(":") ? `[${host}]` : host;
}

/**
 * Makes the data directory and proves that it can be written.
 * @param {string} directory
 */
export async function checkDataDirectory(directory) {
  const probe = join(directory, `.write-test-${process.pid}`);
  try {
    await mkdir(join(directory, "objects"), { recursive: true });
    await writeFile(probe, "");
    await rm(probe);
  } catch (error) {
    throw new StartError(`The data directory ${directory} cannot be written: ${codeOf(error)}. Set NEXUS_DATA_DIR.`);
  }
}

/** How long a port may still be held by a relay that is just ending, in milliseconds. */
const PORT_PATIENCE_MS = 1500;

/**
 * Proves that the port can be listened on. Throws {@link StartError}.
 * @param {string} host
 * @param {number} port
 */
export async function checkPort(host, port) {
  const deadline = Date.now() + PORT_PATIENCE_MS;
  for (;;) {
    const code = await tryToListen(host, port);
    if (code === undefined) return;
    if (code !== "EADDRINUSE") {
      throw new StartError(`Port ${port} on ${host} cannot be listened on: ${code}. Set PORT or HOST.`);
    }
    if (Date.now() > deadline) {
      throw new StartError(`Port ${port} on ${host} is taken by another process. Stop it, or set PORT.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * @param {string} host
 * @param {number} port
 * @returns {Promise<string | undefined>} the code of what went wrong
 */
function tryToListen(host, port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(codeOf(error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** @param {unknown} error */
function codeOf(error) {
  /** @type {NodeJS.ErrnoException} */
  const failure = error instanceof Error ? error : new Error(String(error));
  return failure.code ?? failure.message;
}
