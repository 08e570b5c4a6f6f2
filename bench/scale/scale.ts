import { copyFileSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as local from "../local.ts";
import { freePort, memoryMb, Relay, ROOT, say, whole, workDirectory } from "../local.ts";
import { cpuMs, sleep } from "../process.ts";
import { generateMarket, members } from "./market.ts";
import { call, get } from "./operator.ts";
import { showPages } from "./pages.ts";

// node bench/scale/scale.ts [EVENTS]: what an operator waits for, with 5,000 members, a job for each ten events, and so many events.

const EVENTS = Number(process.argv[2] ?? 1_000_000);
const MEMBERS = Math.min(members.length, EVENTS / 200);

/** Times that a request is made; the time between those whose answer is kept for five seconds. */
const TIMES = 10;
const KEPT_MS = 5100;

const { directory, path } = workDirectory();
const succeed = <T>(...args: string[]) => local.succeed<T>(directory, relay, ...args);
const TOKEN = "measuring-with-a-token";
const relay = new Relay(directory, "data", await freePort(), {
  METRICS_TOKEN: TOKEN,
  RELAY_SECRET_KEY: "9".repeat(64),
});

async function rowsRead(): Promise<number> {
  const response = await fetch(`${relay.url}/metrics`, { headers: { Authorization: `Bearer ${TOKEN}` } });
  return Number(/^nexus_rows_read_total (\S+)/m.exec(await response.text())?.[1]);
}

/** Waits until the relay has nothing more to do: an index to fill, events to erase. Returns the seconds. */
async function quiet(): Promise<number> {
  const begunMs = performance.now();
  for (let calm = 0; calm < 3; ) {
    const before = cpuMs(relay.pid);
    await sleep(1000);
    calm = cpuMs(relay.pid) - before < 50 ? calm + 1 : 0;
  }
  return (performance.now() - begunMs) / 1000 - 3;
}

const QUESTIONS: readonly (readonly [name: string, isKept: boolean, ask: () => Promise<unknown>])[] = [
  ["/api/stats", true, () => fetch(`${relay.url}/api/stats`).then((response) => response.json())],
  ["/api/jobs?limit=50", true, () => get(relay, "/api/jobs?limit=50")],
  ["jobsummary", true, () => call(relay, "jobsummary")],
  ["listjobs 50", false, () => call(relay, "listjobs", 50)],
  ["listjobs 500", false, () => call(relay, "listjobs", 500)],
  ["listjobs 50, failed", false, () => call(relay, "listjobs", 50, null, { state: "error" })],
  ["listjobs 50, of a kind that is rare", false, () => call(relay, "listjobs", 50, null, { kind: 5999 })],
  ["listjobs 50, of one provider", false, () => call(relay, "listjobs", 50, null, { provider: members[2000]?.pubkey })],
  ["listjobs 50, of one customer", false, () => call(relay, "listjobs", 50, null, { customer: members[0]?.pubkey })],
  ["listproviders 100", false, () => call(relay, "listproviders", 100)],
  ["listmembers 50", false, () => call(relay, "listmembers", 50)],
  ["listmembers 500", false, () => call(relay, "listmembers", 500)],
  ["stats", true, () => call(relay, "stats")],
  ["metrics", false, () => call(relay, "metrics")],
  ["addmember of who is one", false, () => call(relay, "addmember", members[0]?.pubkey)],
];

/** Asks every question, and says how long the answer takes. */
async function questions(): Promise<void> {
  for (const [name, isKept, ask] of QUESTIONS) {
    const times: number[] = [];
    let rows = 0;
    for (let i = 0; i < (isKept ? 3 : TIMES); i++) {
      if (isKept) await sleep(KEPT_MS);
      const before = await rowsRead();
      const begunMs = performance.now();
      await ask();
      times.push(performance.now() - begunMs);
      rows = Math.max(rows, (await rowsRead()) - before);
    }
    times.sort((a, b) => a - b);
    const [best = 0, median = 0, worst = 0] = [times[0], times[times.length >> 1], times.at(-1)];
    say(
      `  ${name}: ${best.toFixed(1)} ms at best, ${median.toFixed(1)} half, ${worst.toFixed(1)} at worst; ${whole(rows)} rows`,
    );
  }
}

/** The plans of all statements in the log that walk over a whole table or index; with `touched` also how they find events. */
function scans(log: string, touched = /^$/): string[] {
  const database = new DatabaseSync(join(relay.data, "nexus.sqlite"), { readOnly: true });
  const found: string[] = [];
  for (const line of new Set(readFileSync(log, "utf8").trim().split("\n"))) {
    const query = JSON.parse(line) as string;
    if (!/^\s*(SELECT|WITH|DELETE|UPDATE|INSERT)/i.test(query)) continue;
    const plan = database
      .prepare(`EXPLAIN QUERY PLAN ${query}`)
      .all()
      .map(({ detail }) => String(detail));
    const isScan = /^SCAN (?!json_each|.*VIRTUAL|CONSTANT|\d|\(subquery)/;
    const steps = plan.filter((step) => isScan.test(step) || touched.test(step));
    if (steps.length > 0) found.push(`${steps.join(", ")}: ${query.replace(/\s+/g, " ").slice(0, 200)}`);
  }
  database.close();
  return found;
}

async function timed<T>(what: string, act: () => Promise<T>): Promise<T> {
  const begunMs = performance.now();
  const result = await act();
  say(`${what}: ${((performance.now() - begunMs) / 1000).toFixed(2)} s`);
  return result;
}

try {
  const file = path("market.jsonl");
  const market = await timed("generated", () => generateMarket(file, EVENTS, Math.floor(Date.now() / 1000)));
  say(
    `${whole(EVENTS)} events, ${whole(market.jobs)} jobs of today, ${whole(market.earlier)} earlier, ${whole(statSync(file).size / 1e6)} MB`,
  );
  await relay.start();
  say(`memory of the empty relay: ${whole(memoryMb(relay.pid, "VmRSS"))} MB`);
  await timed(`${whole(MEMBERS)} members added`, async () => {
    for (let i = 0; i < MEMBERS; i += 20) {
      const some = members.slice(i, Math.min(i + 20, MEMBERS));
      await Promise.all(some.map(({ pubkey }) => call(relay, "addmember", pubkey)));
    }
  });
  const { seconds, peak, result } = await succeed<object>("import", "market.jsonl");
  say(
    `import: ${whole(seconds)} s, ${whole(EVENTS / seconds)} events/s; peak memory ${whole(peak.command)} MB command, ${whole(peak.relay)} MB relay; ${JSON.stringify(result)}`,
  );
  say(
    `quiet after ${whole(await quiet())} s; memory ${whole(memoryMb(relay.pid, "VmRSS"))} MB; database ${whole(statSync(join(relay.data, "nexus.sqlite")).size / 1e6)} MB`,
  );
  say(JSON.stringify(await (await fetch(`${relay.url}/api/stats`)).json()));
  say(JSON.stringify(await call(relay, "jobsummary")));

  say(`stopped after ${whole(await relay.end("SIGTERM"))} ms; started after ${whole(await relay.start())} ms`);
  await quiet();
  say(`memory after the start: ${whole(memoryMb(relay.pid, "VmRSS"))} MB, peak ${whole(memoryMb(relay.pid))}`);
  say("questions:");
  await questions();

  const [{ id = "" } = {}] = (await call<{ jobs: { id: string }[] }>(relay, "listjobs", 1)).jobs;
  const pages = [
    "/",
    "/admin",
    "/admin/members",
    "/admin/jobs",
    "/admin/jobs?state=error",
    `/admin/jobs/${id}`,
    "/admin/moderation",
    "/admin/settings",
    "/admin/audit",
    "/explore",
    "/explore?kinds=5100",
  ];
  for (const { path, paintMs, wholeMs } of await showPages(relay.url, pages, 3)) {
    say(`  page ${path.slice(0, 30)}: first paint ${whole(paintMs)} ms, whole ${whole(wholeMs)} ms`);
  }
  say(`memory after the pages: ${whole(memoryMb(relay.pid, "VmRSS"))} MB`);

  for (const round of [1, 2]) {
    // What is published last is not in the counters that are kept.
    writeFileSync(
      path("one.jsonl"),
      `${JSON.stringify(members[0]?.sign({ kind: 1, created_at: Math.floor(Date.now() / 1000), tags: [], content: `last words ${round}` }))}\n`,
    );
    await succeed("import", "one.jsonl");
    await relay.end("SIGKILL");
    say(`started after kill -9 within ${whole(await relay.start())} ms`);
    await fetch(`${relay.url}/api/stats`);
  }
  await quiet();
  await relay.end("SIGTERM");

  const log = path("statements");
  writeFileSync(log, "");
  await relay.start({ STATEMENTS: log, NODE_OPTIONS: `--import ${join(ROOT, "bench/scale/statements.mjs")}` });
  await quiet();
  for (const found of scans(log)) say(`  scans at the start: ${found}`);
  truncateSync(log);
  await sleep(KEPT_MS);
  for (const [, , ask] of QUESTIONS) await ask();
  for (const found of scans(log, /\b(event|tag|job|evidence)\b/)) say(`  for a question: ${found}`);
  await relay.end("SIGTERM");
  await relay.start();

  await timed("doctor", () =>
    local.command(directory, relay, "doctor").done.then(({ stdout }) => void say(stdout.slice(0, 300))),
  );
  await timed("backup", () => succeed("backup", "backup.sqlite"));
  await timed("export to .zst", () => succeed("export", "out.jsonl.zst"));
  await timed("rebuild of the ledger begun", () => call(relay, "rebuildjobs"));
  say(`the ledger is rebuilt after ${whole(await quiet())} s`);
  await relay.end("SIGTERM");
  await timed("doctor of the stopped relay", () => local.command(directory, relay, "doctor").done);
  await timed("compact", () => succeed("compact"));
  const keep = process.env.KEEP_DATABASE;
  if (keep !== undefined && existsSync(keep))
    copyFileSync(join(relay.data, "nexus.sqlite"), join(keep, "nexus.sqlite"));
} finally {
  await relay.end("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
}
