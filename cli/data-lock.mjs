// @ts-check
import { rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "./settings.mjs";

/** A socket in the data directory: who listens on it has the directory, and nobody does any more once its process is gone. */
const NAME = "lock";

/** How long a relay that is just ending may still have the directory, in milliseconds. */
const PATIENCE_MS = 1500;

/**
 * Takes the data directory for this process: two relays on one store would refuse each other's events. Throws
 * {@link StartError} if another has it. Where the file system or the platform has no such sockets nothing is checked.
 * @param {string} directory
 */
export async function lockDataDirectory(directory) {
  if (process.platform === "win32") return;
  const deadline = Date.now() + PATIENCE_MS;
  while ((await listen(directory)) === "EADDRINUSE") {
    if (!(await isAnswered(directory))) {
      rmSync(join(directory, NAME), { force: true });
    } else if (Date.now() > deadline) {
      throw new StartError(`Another relay runs on the data directory ${directory}. Stop it, or set NEXUS_DATA_DIR.`);
    } else {
      await sleep(100);
    }
  }
}

/**
 * Listens until the process ends; resolves to the code of the error if that is not possible.
 * @param {string} directory
 * @returns {Promise<string | undefined>}
 */
function listen(directory) {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error) => resolve(/** @type {NodeJS.ErrnoException} */ (error).code));
    within(directory, () => server.listen(NAME, () => resolve(undefined)).unref());
    server.once("listening", () => process.once("exit", () => rmSync(join(directory, NAME), { force: true })));
  });
}

/**
 * @param {string} directory
 * @returns {Promise<boolean>}
 */
function isAnswered(directory) {
  return new Promise((resolve) => {
    within(directory, () => {
      const socket = connect(NAME);
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
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
