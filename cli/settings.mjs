// @ts-check
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { isLoopbackHost } from "../src/protocol/relay-url.ts";
import { LOCAL_VARIABLES, parseConfig, readVariables, VARIABLES } from "../src/relay/config/config.ts";
import { nearMisses } from "./near-misses.mjs";

/** What is wrong with the way the relay was started; the message is for the operator. */
export class StartError extends Error {}

/**
 * Where and how one relay runs on this machine.
 * @typedef {object} Settings
 * @property {string} host
 * @property {number} port
 * @property {string} dataDirectory absolute
 * @property {string} webSocketUrl what a client on this machine connects to
 * @property {import("../src/hosts/node/backups.ts").BackupSettings | undefined} backup
 * @property {Record<string, string>} variables the relay's own, checked
 * @property {import("./near-misses.mjs").NearMiss[]} nearMisses
 */

/**
 * Reads the variables of `npm start` and of the relay. Throws {@link StartError}.
 * @param {NodeJS.ProcessEnv} environment
 * @returns {Promise<Settings>}
 */
export async function readSettings(environment) {
  const known = [...Object.keys(VARIABLES), ...Object.keys(LOCAL_VARIABLES)];
  /** @type {Record<string, string>} */
  const variables = {};
  for (const name of Object.keys(VARIABLES)) {
    const value = environment[name];
    if (value !== undefined && value.trim() !== "") variables[name] = value;
  }
  try {
    const local = readVariables(LOCAL_VARIABLES, environment);
    const { PORT: port, HOST: host, NEXUS_DATA_DIR: directory, RELAY_SECRET_KEY_FILE: keyFile } = local;
    if (keyFile !== undefined) {
      if (variables.RELAY_SECRET_KEY !== undefined) {
        throw new StartError("RELAY_SECRET_KEY and RELAY_SECRET_KEY_FILE are both set. Set one of them.");
      }
      variables.RELAY_SECRET_KEY = await readKey(keyFile);
    }
    if (variables.RELAY_SECRET_KEY === undefined && existsSync(ownKeyFile(directory))) {
      variables.RELAY_SECRET_KEY = await readKey(ownKeyFile(directory), "NEXUS_DATA_DIR");
    }
    variables.RELAY_URL ??= `ws://localhost:${port}`;
    const { pathname, hostname } = new URL(parseConfig(variables).url);
    const path = pathname === "/" ? "" : pathname;
    // What is signed for a relay on this machine, there may be many, counts only where this is one, too.
    if (isLoopbackHost(hostname)) {
      const loopback = ["localhost", "127.0.0.1", "[::1]"].map((name) => `ws://${name}:${port}${path}`);
      variables.RELAY_URL_ALIASES = [variables.RELAY_URL_ALIASES, ...loopback].filter(Boolean).join(",");
      // They count as aliases.
      parseConfig(variables);
    }
    return {
      host,
      port,
      dataDirectory: resolve(directory),
      webSocketUrl: `ws://${reachable(host)}:${port}${path}`,
      backup:
        local.BACKUP_DIR === undefined
          ? undefined
          : {
              directory: resolve(local.BACKUP_DIR),
              everySeconds: local.BACKUP_EVERY,
              keep: local.BACKUP_KEEP,
            },
      variables,
      nearMisses: nearMisses(Object.keys(environment), known),
    };
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Where the secret key is that the relay has made for itself.
 * @param {string} dataDirectory
 */
export function ownKeyFile(dataDirectory) {
  return join(dataDirectory, "relay.key");
}

/**
 * The secret key that a file holds. Throws {@link StartError}, which tells nothing of it.
 * @param {string} path
 * @param {string} [what] what names the file
 */
async function readKey(path, what = "RELAY_SECRET_KEY_FILE") {
  if (/^([0-9a-f]{64}|nsec1\w+)$/i.test(path)) {
    throw new StartError(
      "RELAY_SECRET_KEY_FILE must be the name of a file that holds the key, and looks like the key itself.",
    );
  }
  let key;
  try {
    key = (await readFile(path, "utf8")).trim();
  } catch (error) {
    throw new StartError(`${what} names ${path}, which cannot be read: ${codeOf(error)}.`);
  }
  if (key === "") throw new StartError(`${what} names ${path}, which is empty.`);
  return key;
}

/** Name of the settings file, in the directory where a command runs. */
export const ENV_FILE = ".env";

/**
 * The variables of the settings file; none where there is no such file. The environment wins over them. Throws
 * {@link StartError}.
 * @returns {NodeJS.Dict<string>}
 */
export function readEnvFile() {
  if (!existsSync(ENV_FILE)) return {};
  try {
    return parseEnv(readFileSync(ENV_FILE, "utf8"));
  } catch (error) {
    throw new StartError(`The settings file ${resolve(ENV_FILE)} cannot be read: ${codeOf(error)}.`);
  }
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
 * Makes a directory, that of the data unless told, and proves that it can be written.
 * @param {string} directory
 * @param {string} [what]
 * @param {string} [variable]
 */
export async function checkDirectory(directory, what = "data directory", variable = "NEXUS_DATA_DIR") {
  const probe = join(directory, `.write-test-${process.pid}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(probe, "");
    await rm(probe);
  } catch (error) {
    throw new StartError(`The ${what} ${directory} cannot be written: ${codeOf(error)}. Set ${variable}.`);
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
