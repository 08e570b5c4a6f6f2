// @ts-check
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimLink, makeOwnKey } from "../claim.mjs";
import { lockDataDirectory } from "../data-lock.mjs";
import { bracketed, checkDirectory, checkPort, readEnvFile, readSettings, StartError } from "../settings.mjs";
import { STOP_SIGNALS, stopWithParent } from "../stop.mjs";
import { tryIt } from "../try.mjs";
import { buildWorker } from "./build.mjs";
import { workerdConfig } from "./workerd-config.mjs";

/** How long workerd may take to answer for the first time, in milliseconds. */
const START_TIMEOUT_MS = 20_000;

/** How long open sockets may keep workerd after it was told to stop, in milliseconds. Acknowledged events are on disk. */
const STOP_TIMEOUT_MS = 1000;

/** Whether the token that makes somebody the operator was made here. */
let isOwnToken = false;

/** Serves the Worker in workerd on this machine and stays until it ends. */
async function main() {
  // What is kept of a private relay is its owner's alone.
  process.umask(0o077);
  const settings = await readSettings({ ...readEnvFile(), ...process.env });
  for (const { name, meant } of settings.nearMisses) {
    console.warn(`${name} is not a variable of the relay and has no effect. Is ${meant} meant?`);
  }
  // There are no jurisdictions on this machine: workerd fails for one.
  delete settings.variables.RELAY_JURISDICTION;
  isOwnToken = settings.variables.CLAIM_TOKEN === undefined;
  settings.variables.CLAIM_TOKEN ??= randomBytes(24).toString("base64url");
  await checkDirectory(settings.dataDirectory);
  await lockDataDirectory(settings.dataDirectory);
  await checkPort(settings.host, settings.port);
  const objects = join(settings.dataDirectory, "objects");
  if (!existsSync(objects)) await makeOwnKey(settings);
  await mkdir(objects, { recursive: true });
  const directory = await mkdtemp(join(tmpdir(), "nexus-"));
  const cleanUp = () => rm(directory, { recursive: true, force: true });
  try {
    await buildWorker(directory);
    await writeFile(join(directory, "config.capnp"), workerdConfig(settings));
    process.exitCode = await run(settings, join(directory, "config.capnp"), cleanUp);
  } finally {
    await cleanUp();
  }
}

/**
 * Runs workerd until it ends or a signal ends it; resolves to the exit code.
 * @param {import("../settings.mjs").Settings} settings
 * @param {string} configFile
 * @param {() => Promise<void>} onReady
 * @returns {Promise<number>}
 */
async function run(settings, configFile, onReady) {
  const workerd = spawn(workerdPath(), ["serve", configFile], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...settings.variables },
  });
  let isStopping = false;
  const stop = () => {
    isStopping = true;
    workerd.kill("SIGTERM");
    // Sockets that are still open must not keep the process.
    setTimeout(() => workerd.kill("SIGKILL"), STOP_TIMEOUT_MS).unref();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  process.on("exit", () => workerd.kill("SIGKILL"));
  stopWithParent(stop);
  endWithThisProcess(workerd.pid);
  /** @type {Promise<number>} */
  const ended = new Promise((resolve) => {
    workerd.on("error", (error) => {
      console.error(`The relay could not be started (workerd: ${error.message}).`);
      resolve(1);
    });
    workerd.on("exit", (code, signal) => {
      // Ctrl-C goes to the whole group, and workerd's end may be known before this process sees its own signal.
      // workerd takes SIGTERM for itself and ends with 0.
      isStopping ||= code === 0 || STOP_SIGNALS.some((name) => name === signal);
      if (!isStopping) console.error(`The relay has ended by itself (workerd: ${signal ?? `exit code ${code}`}).`);
      resolve(isStopping ? 0 : (code ?? 1));
    });
  });
  const problem = await Promise.race([waitUntilReady(settings), ended.then(() => undefined)]);
  if (problem !== undefined) {
    stop();
    await ended;
    throw new StartError(problem);
  }
  if (workerd.exitCode === null && !isStopping) {
    await onReady();
    await greet(settings);
  }
  return ended;
}

/**
 * Waits for the relay to answer; resolves to what it says is wrong, if something is.
 * @param {import("../settings.mjs").Settings} settings
 * @returns {Promise<string | undefined>}
 */
async function waitUntilReady({ host, port }) {
  const health = `http://${bracketed(host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host)}:${port}/health`;
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    try {
      const response = await fetch(health);
      if (response.ok) return undefined;
      return (await response.text()).trim();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return `The relay did not answer within ${START_TIMEOUT_MS / 1000} seconds.`;
}

/** @param {import("../settings.mjs").Settings} settings */
async function greet(settings) {
  const { webSocketUrl, dataDirectory, variables } = settings;
  const http = webSocketUrl.replace(/^ws/, "http");
  const { access, claimable } = /** @type {import("../../src/protocol/info.ts").RelayFacts} */ (
    await (await fetch(http, { headers: { Accept: "application/nostr+json" } })).json()
  );
  console.log(`Nexus is running in workerd.

  WebSocket  ${webSocketUrl}
  HTTP       ${http}
  Clients    must name ${variables.RELAY_URL} when they log in (NIP-42)
  Reading    ${access.read}
  Publishing ${access.write}
  Data       ${dataDirectory}
${[access.read, access.write].every((who) => who.startsWith("every")) ? tryIt(webSocketUrl) : ""}
Ctrl-C stops it.`);
  if (claimable) console.log(claimLink(settings, isOwnToken));
}

/**
 * Should this process be killed, a shell that waits at the end of a pipe kills workerd, which would keep the port.
 * @param {number | undefined} pid
 */
function endWithThisProcess(pid) {
  if (pid === undefined || process.platform === "win32") return;
  const guard = spawn("sh", ["-c", `read _; kill -9 ${pid} 2>/dev/null`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => {});
  guard.unref();
  /** @type {import("node:net").Socket} */ (guard.stdin).unref();
}

function workerdPath() {
  const require = createRequire(import.meta.url);
  return /** @type {string} */ (require("workerd").default);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
