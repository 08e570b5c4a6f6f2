// @ts-check
import { randomUUID } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "./settings.mjs";

/** A socket in the data directory: who listens on it has the directory, and nobody does any more once its process is gone. */
const NAME = "lock";

/** How long a relay that is just ending may still have the directory, in milliseconds. */
const PATIENCE_MS = 1500;

/** How long after taking the directory another may still take it, in milliseconds: both had found an old socket. */
const SETTLING_MS = 100;

/**
 * Takes the data directory for this process: two relays on one store would refuse each other's events. Throws
 * {@link StartError} if another has it. Where the file system or the platform has no such sockets nothing is checked.
 * @param {string} directory
 */
export async function lockDataDirectory(directory) {
  if (process.platform === "win32") return;
  const name = randomUUID();
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const code = await listen(directory, name);
    if (code !== undefined && code !== "EADDRINUSE") return;
    if (code === undefined) await sleep(SETTLING_MS);
    const owner = await ownerOf(directory);
    if (owner === name) break;
    if (owner === undefined) remove(directory);
    else if (Date.now() > deadline) {
      throw new StartError(`Another relay runs on the data directory ${directory}. Stop it, or set NEXUS_DATA_DIR.`);
    } else await sleep(100);
  }
  process.once("exit", () => remove(directory));
}

/** @param {string} directory */
function remove(directory) {
  rmSync(join(directory, NAME), { force: true });
}

/**
 * Listens until the process ends, and tells its name; resolves to the code of the error if that is not possible.
 * @param {string} directory
 * @param {string} name
 * @returns {Promise<string | undefined>}
 */
function listen(directory, name) {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.on("error", () => {}).end(name));
    server.once("error", (error) => resolve(/** @type {NodeJS.ErrnoException} */ (error).code));
    const taken = () => {
      chmodSync(join(directory, NAME), 0o600);
      resolve(undefined);
    };
    within(directory, () => server.listen(NAME, taken).unref());
  });
}

/**
 * The name of who has the directory.
 * @param {string} directory
 * @returns {Promise<string | undefined>}
 */
function ownerOf(directory) {
  return new Promise((resolve) => {
    within(directory, () => {
      const socket = connect(NAME).setEncoding("utf8");
      socket.once("data", (name) => resolve(String(name))).once("error", () => resolve(undefined));
      socket.once("end", () => resolve(""));
    });
  });
}

/**
 * The path of such a socket has a hundred bytes at most, so it is named from inside the directory.
 * @param {string} directory
 * @param {() => void} act
 */
function within(directory, act) {
  const before = process.cwd();
  process.chdir(directory);
  try {
    act();
  } finally {
    process.chdir(before);
  }
}
