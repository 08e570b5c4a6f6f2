// @ts-check
import { closeSync, openSync, statSync, watchFile } from "node:fs";
import { resolve } from "node:path";
import { report } from "../src/hosts/node/host.ts";
import { ENV_FILE, readEnvFile, readSettings, StartError } from "./settings.mjs";

/** How often the settings file is looked at, and how long it has to stay as it is before it is read, in milliseconds. */
const LOOK_MS = 1000;
const STILL_MS = 250;

/** What is read at the start only, besides the wiring of the relay. */
const LOCAL = /** @type {const} */ (["host", "port", "dataDirectory", "backup"]);

/**
 * Has the settings read again at SIGHUP and after a change of the settings file. What is wrong is refused as a whole, and the
 * old settings stay. SIGHUP from a terminal that has gone ends the relay instead.
 * @param {import("../src/hosts/node/main.ts").NodeRelay} relay
 * @param {import("./settings.mjs").Settings} started
 * @param {() => void} stop
 */
export function followSettings(relay, started, stop) {
  const path = resolve(ENV_FILE);
  const hadFile = stateOf(path) !== undefined;
  const hadTerminal = hasTerminal();
  const read = async () => {
    try {
      // Without its file the relay would be another one, perhaps one that is open.
      if (hadFile && !stateOf(path)) throw new StartError(`The settings file ${path} is gone or empty.`);
      const next = await readSettings({ ...readEnvFile(), ...process.env });
      const local = LOCAL.filter((name) => JSON.stringify(next[name]) !== JSON.stringify(started[name]));
      const { changed, waiting } = relay.reload({ ...madeAtStart(started), ...next.variables });
      report(
        "settings read again",
        { changed: changed.join(", "), need_a_restart: [...waiting, ...local].join(", ") },
        "info",
      );
    } catch (error) {
      report("settings refused, the old ones stay", { error: error instanceof Error ? error.message : String(error) });
    }
  };
  process.on("SIGHUP", () => {
    if (hadTerminal && !hasTerminal()) stop();
    else void read();
  });
  let seen = stateOf(path);
  const readWhenStill = () => {
    const state = stateOf(path);
    if (state === seen) return;
    setTimeout(() => {
      // Whoever writes it may not be done.
      if (stateOf(path) !== state) return readWhenStill();
      seen = state;
      void read();
    }, STILL_MS).unref();
  };
  watchFile(path, { interval: LOOK_MS, persistent: false }, readWhenStill);
}

/**
 * What the start has made itself where the settings had none.
 * @param {import("./settings.mjs").Settings} started
 * @returns {Record<string, string>}
 */
function madeAtStart({ variables: { CLAIM_TOKEN } }) {
  return CLAIM_TOKEN === undefined ? {} : { CLAIM_TOKEN };
}

/**
 * Changes with the content of a file; undefined of one that is empty or not there.
 * @param {string} path
 */
function stateOf(path) {
  const { size, mtimeMs, ino } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return size ? `${size} ${mtimeMs} ${ino}` : undefined;
}

/** Whether this process has a terminal, which sends SIGHUP when it goes. */
function hasTerminal() {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
