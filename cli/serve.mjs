// @ts-check
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DATABASE, DataError, startRelay } from "../src/hosts/node/main.ts";
import { isOpenToAll, warningOf, whoMay } from "../src/relay/access/describe.ts";
import { claimLink, makeOwnKey } from "./claim.mjs";
import { lockDataDirectory } from "./data-lock.mjs";
import { followSettings } from "./reload.mjs";
import { checkDirectory, checkPort, readEnvFile, readSettings, StartError } from "./settings.mjs";
import { STOP_SIGNALS, stopWithParent } from "./stop.mjs";
import { tryIt } from "./try.mjs";

/** How long the end may take, in milliseconds. What is acknowledged is on the disk. */
const STOP_TIMEOUT_MS = 1800;

/** Starts the relay on this machine; the process stays until a signal ends it. */
async function main() {
  const settings = await readSettings({ ...readEnvFile(), ...process.env });
  for (const { name, meant } of settings.nearMisses) {
    console.warn(`${name} is not a variable of the relay and has no effect. Is ${meant} meant?`);
  }
  const { host, port, dataDirectory, variables, backup } = settings;
  await checkDirectory(dataDirectory);
  if (backup !== undefined) await checkDirectory(backup.directory, "directory of backups", "BACKUP_DIR");
  await lockDataDirectory(dataDirectory);
  await checkPort(host, port);
  tellOfEarlierData(dataDirectory);
  const isOwnToken = variables.CLAIM_TOKEN === undefined;
  variables.CLAIM_TOKEN ??= randomBytes(24).toString("base64url");
  if (!existsSync(join(dataDirectory, DATABASE))) await makeOwnKey(settings);
  const failed = () => void setTimeout(() => process.exit(1), 100);
  const relay = await startRelay({ variables, dataDirectory, host, port, failed, backup });
  let isStopping = false;
  const stop = async () => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(0), STOP_TIMEOUT_MS).unref();
    await relay.stop();
    process.exit(0);
  };
  // SIGHUP is for the settings.
  for (const signal of STOP_SIGNALS) if (signal !== "SIGHUP") process.on(signal, stop);
  process.on("SIGUSR2", () => {
    if (!relay.backUp()) console.warn("No backup is made: BACKUP_DIR is not set.");
  });
  followSettings(relay, settings, stop);
  stopWithParent(stop);
  greet(settings, relay.access);
  if (relay.isClaimable()) console.log(claimLink(settings, isOwnToken));
}

/**
 * @param {import("./settings.mjs").Settings} settings
 * @param {import("../src/relay/access/access.ts").Access} access
 */
function greet({ webSocketUrl, dataDirectory, variables }, access) {
  const { read, write } = whoMay(access);
  console.log(`Nexus is running.

  WebSocket  ${webSocketUrl}
  HTTP       ${webSocketUrl.replace(/^ws/, "http")}
  Clients    must name ${variables.RELAY_URL} when they log in (NIP-42)
  Reading    ${read}
  Publishing ${write}
  Data       ${dataDirectory}
${isOpenToAll(access) ? tryIt(webSocketUrl) : ""}
Ctrl-C stops it.`);
  const warning = warningOf(access);
  if (warning !== undefined) console.warn(`\n${warning}`);
}

/** @param {string} dataDirectory */
function tellOfEarlierData(dataDirectory) {
  const objects = join(dataDirectory, "objects");
  const has =
    existsSync(objects) && readdirSync(objects, { recursive: true }).some((name) => String(name).endsWith(".sqlite"));
  if (has)
    console.warn(
      `The events in ${objects} are of an earlier version, or of the relay on workerd: they are left alone and not served.`,
    );
}

/**
 * What the operator can do about an error of the system: a file is in the way, or another user's. Undefined for any other.
 * @param {unknown} error
 */
function adviceOn(error) {
  if (!(error instanceof Error && "syscall" in error)) return undefined;
  return `The relay cannot start: ${error.message}. See that the user who starts it may read and write there.`;
}

try {
  await main();
} catch (error) {
  const text = error instanceof StartError || error instanceof DataError ? error.message : adviceOn(error);
  if (text === undefined) throw error;
  console.error(text);
  process.exit(1);
}
