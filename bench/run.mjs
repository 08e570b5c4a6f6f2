// @ts-check
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compare, median, table } from "./compare.mjs";
import { machine } from "./process.mjs";
import { ROOT, startFloor, startRelay } from "./target.mjs";
import { OF_FLOOR, USUAL, WORKLOADS } from "./workloads/index.mjs";

/** @typedef {import("./compare.mjs").Results} Results */

const BASELINES = join(ROOT, "bench/baselines.json");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: USUAL.join(",") },
    rounds: { type: "string", default: "3" },
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

const against = values.check ? (await baselines()).commit : values.against;
const other = against === undefined ? undefined : await checkOut(against);
try {
  await main();
} finally {
  if (other !== undefined) await rm(other, { recursive: true, force: true });
}

/** Measures in turn what is to be compared, so that all of it has the same machine. */
async function main() {
  /** @type {{ relay: Results[], against: Results[], floor: Results[] }} */
  const all = { relay: [], against: [], floor: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      note(`round ${round} of ${rounds}: ${name}`);
      all.relay.push(await measure(name, url === undefined ? () => startRelay(ROOT) : given));
      if (other !== undefined) all.against.push(await measure(name, () => startRelay(other)));
      const hasFloor = url === undefined && !values["no-floor"] && OF_FLOOR.includes(name);
      if (hasFloor) all.floor.push(await measure(name, startFloor));
    }
  }
  const relay = median(all.relay);
  const floor = median(all.floor);
  const before = median(all.against);
  console.log(table(relay, floor, before));
  const commit = execFileSync("git", ["rev-parse", "HEAD"], { cwd: ROOT, encoding: "utf8" }).trim();
  const report = { commit, measuredAt: new Date().toISOString(), machine: machine(), rounds, relay, floor };
  const text = `${JSON.stringify({ ...report, ...(other === undefined ? {} : { against, before }) }, undefined, 2)}\n`;
  if (values.out !== undefined) await writeFile(values.out, text);
  if (values.save) await writeFile(BASELINES, `${JSON.stringify(report, undefined, 2)}\n`);
  if (other === undefined) return;
  const regressions = compare(before, relay);
  for (const line of regressions) console.log(line);
  console.log(regressions.length === 0 ? `No line costs more than against ${against}.` : "");
  process.exitCode = regressions.length === 0 ? 0 : 1;
}

/**
 * @param {string} name
 * @param {() => Promise<import("./target.mjs").Target>} start
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

async function baselines() {
  return JSON.parse(await readFile(BASELINES, "utf8"));
}

/** A checkout of another commit that uses the packages of this one. @param {string} ref */
async function checkOut(ref) {
  const directory = await mkdtemp(join(tmpdir(), "nexus-against-"));
  const archive = execFileSync("git", ["archive", ref], { cwd: ROOT, maxBuffer: 2 ** 30 });
  execFileSync("tar", ["-x", "-C", directory], { input: archive });
  await symlink(join(ROOT, "node_modules"), join(directory, "node_modules"));
  return directory;
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
