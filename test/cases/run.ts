import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { residentKb } from "../../bench/process.ts";
import { ROOT, startRelay } from "../../bench/target.ts";
import { bystander, favour } from "../load/attacks/run.ts";
import { ACCESS } from "./access.ts";
import { type Case, Subject, sleep } from "./case.ts";
import { LOAD } from "./load.ts";
import { WIRE } from "./wire.ts";

// Small inputs that relays get wrong easily, each on a fresh relay, while a second client, who asks for little, measures.
//   npm run cases [-- --host workers] [-- --list] [-- NAME…]

/** What the second client may wait, in milliseconds. */
const MAX_MS = Number(process.env.MAX_MS ?? 100);
/** How long the relay is left alone before and after: what a case leaves behind may keep others waiting, too. */
const AROUND_MS = 300;
const SCRIPTS = { node: "start", workers: "start:workers" } as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { host: { type: "string", default: "node" }, list: { type: "boolean", default: false } },
});
const host = values.host as keyof typeof SCRIPTS;
const all = [...WIRE, ...ACCESS, ...LOAD];
const unknown = positionals.filter((name) => !all.some((one) => one.name === name));
if (!(host in SCRIPTS) || unknown.length > 0) {
  console.error(host in SCRIPTS ? `There is no case ${unknown.join(", ")}: see --list.` : "--host is node or workers.");
  process.exit(2);
}
const cases = positionals.length === 0 ? all : all.filter(({ name }) => positionals.includes(name));
if (values.list) for (const { name, rules } of cases) console.log(name.padEnd(32), rules);
else process.exitCode = (await runAll()) ? 0 : 1;

/** Whether all are right. */
async function runAll(): Promise<boolean> {
  console.log("result    worst ms   memory MB  case");
  let isRight = true;
  for (const one of cases) {
    const { wrong, worstMs, grownMb } = await outcomeOf(one);
    const isExcused = wrong !== undefined && host === "workers" && one.notOnWorkers !== undefined;
    isRight &&= wrong === undefined || isExcused;
    const result = wrong === undefined ? "right" : isExcused ? "excused" : "WRONG";
    const why = wrong === undefined ? "" : `: ${wrong}${isExcused ? ` (${one.notOnWorkers})` : ""}`;
    console.log(`${result.padEnd(8)} ${figure(worstMs)} ${figure(grownMb).padStart(11)}  ${one.name}${why}`);
  }
  return isRight;
}

function figure(value: number): string {
  return value.toFixed(1).padStart(9);
}

async function outcomeOf(one: Case): Promise<{ wrong: string | undefined; worstMs: number; grownMb: number }> {
  const data = await mkdtemp(join(tmpdir(), "nexus-case-"));
  const relay = await startRelay(ROOT, { script: SCRIPTS[host], variables: one.variables ?? {}, data });
  favour(relay.pid);
  const memoryMb = () => residentKb(relay.pid) / 1024;
  const second = one.isClosed ? undefined : await bystander(relay);
  try {
    await sleep(AROUND_MS);
    const before = memoryMb();
    second?.begin();
    const found = await one.run(new Subject(relay.url, data)).catch((error) => `could not be tried: ${error}`);
    await sleep(AROUND_MS);
    const { answers, worstMs } = (await second?.end()) ?? { answers: 1, worstMs: 0 };
    const grownMb = memoryMb() - before;
    const tooMuch = grownMb > (one.maxMb ?? Number.POSITIVE_INFINITY) ? `${grownMb.toFixed(0)} MB more` : undefined;
    const tooLong = worstMs > MAX_MS ? "others wait" : undefined;
    const unmeasured = answers === 0 ? "could not be tried: nobody measured" : undefined;
    return { wrong: found ?? tooLong ?? tooMuch ?? unmeasured, worstMs: worstMs ?? 0, grownMb };
  } finally {
    second?.stop();
    await relay.stop();
    await rm(data, { recursive: true, force: true });
  }
}
