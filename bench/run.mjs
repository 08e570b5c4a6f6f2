// @ts-check
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BASE } from "./bars.mjs";
import { checkOut, commitOf } from "./checkout.mjs";
import { median, misses, table } from "./compare.mjs";
import { machine } from "./process.ts";
import { ROOT, startFloor, startRelay } from "./target.ts";
import { OF_FLOOR, OF_OTHERS, RUNS, USUAL, WORKLOADS } from "./workloads/index.mjs";

/** @typedef {import("./compare.mjs").Results} Results */

const BASELINES = join(ROOT, "bench/baselines.json");

/** The script of package.json that runs this checkout on a host. @type {Record<string, string>} */
const SCRIPTS = { node: "start", workers: "start:workers" };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: USUAL.join(",") },
    rounds: { type: "string", default: "3" },
    host: { type: "string", default: "node" },
    pid: { type: "string" },
    "no-auth": { type: "boolean", default: false },
    "no-floor": { type: "boolean", default: false },
    against: { type: "string" },
    check: { type: "boolean", default: false },
    out: { type: "string" },
    save: { type: "boolean", default: false },
  },
});
const [url] = positionals;
const names = values.only.split(",");
const rounds = Number(values.rounds);
for (const name of names) {
  if (!Object.hasOwn(WORKLOADS, name))
    fail(`There is no workload ${name}. There are ${Object.keys(WORKLOADS).join(", ")}.`);
}
if (!Number.isInteger(rounds) || rounds < 1) fail("--rounds is a whole number from 1.");
const script = SCRIPTS[values.host] ?? fail("--host is node or workers.");

const ref = values.check ? (await baselines()).commit : values.against;
const against = ref === undefined ? undefined : commitOf(ref);
const other = against === undefined ? undefined : await checkOut(against);
await main();

/** Measures in turn what is to be compared, so that all of it has the same machine. */
async function main() {
  /** @type {{ relay: Results[], before: Results[], floor: Results[] }} */
  const all = { relay: [], before: [], floor: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      note(`round ${round} of ${rounds}: ${name}`);
      const run = RUNS[name] ?? {};
      all.relay.push(await measure(name, url === undefined ? () => startRelay(ROOT, { ...run, script }) : given));
      if (other !== undefined && OF_OTHERS.includes(name)) {
        all.before.push(await measure(name, () => startRelay(other, run)));
      }
      const hasFloor = url === undefined && !values["no-floor"] && OF_FLOOR.includes(name);
      if (hasFloor) all.floor.push(await measure(name, startFloor));
    }
  }
  const measured = { relay: median(all.relay), before: median(all.before), floor: median(all.floor) };
  console.log(table(measured));
  const report = { commit: commitOf("HEAD"), measuredAt: new Date().toISOString(), machine: machine(), rounds };
  const { relay, floor, before } = measured;
  const compared = other === undefined ? { relay, floor } : { relay, floor, against, before };
  const text = `${JSON.stringify({ ...report, host: values.host, ...compared }, undefined, 2)}\n`;
  if (values.out !== undefined) await writeFile(values.out, text);
  if (values.save) await writeFile(BASELINES, text);
  const missed = misses(measured, { host: values.host, isBase: against !== undefined && against === baseCommit() });
  for (const line of missed) console.log(line);
  if (missed.length === 0) console.log("No line misses its bar.");
  process.exitCode = missed.length === 0 ? 0 : 1;
}

/**
 * @param {string} name
 * @param {() => Promise<import("./target.ts").Target>} start
 */
async function measure(name, start) {
  const target = await start();
  try {
    return await /** @type {import("./measure.mjs").Workload} */ (WORKLOADS[name])(target);
  } finally {
    await target.stop();
  }
}

/** The relay of the command line: it is neither started nor ended, and keeps what it is given. */
async function given() {
  const pid = values.pid === undefined ? undefined : Number(values.pid);
  return { url: /** @type {string} */ (url), auth: !values["no-auth"], pid, stop: async () => {} };
}

/** Undefined where the history does not go back so far. */
function baseCommit() {
  try {
    return commitOf(BASE);
  } catch {
    return undefined;
  }
}

async function baselines() {
  return JSON.parse(await readFile(BASELINES, "utf8"));
}

/** @param {string} line */
function note(line) {
  console.error(line);
}

/** @param {string} text @returns {never} */
function fail(text) {
  console.error(text);
  process.exit(2);
}
