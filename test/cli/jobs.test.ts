import { spawn } from "node:child_process";
import { finalizeEvent } from "nostr-tools/pure";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Account, playMarketplace, type Tally } from "../support/marketplace.ts";
import { until } from "../support/server.ts";
import { NEXUS, openPlace, operator, type Place } from "./command.ts";

// A marketplace is played, and the relay tells of it what the script itself has counted.

type Job = { id: string; state: string; kind: number };

let place: Place;
let tally: Tally;

beforeAll(async () => {
  place = await openPlace();
  tally = await playMarketplace(place.server.url);
});

afterAll(() => place.end());

const count = (jobs: readonly Job[]) => {
  const states: Record<string, number> = {};
  for (const { state } of jobs) states[state] = (states[state] ?? 0) + 1;
  return states;
};

const accounts = (rows: readonly Account[]) =>
  rows
    .map(({ pubkey, working, failed, answered }) => ({ pubkey, working, failed, answered }))
    .sort((a, b) => (a.pubkey < b.pubkey ? -1 : 1));

test("the marketplace has jobs of every outcome", () => {
  expect(tally.requests).toBe(60);
  expect(Object.keys(tally.states).sort()).toEqual(
    ["cancelled", "error", "payment-required", "processing", "requested", "success"].sort(),
  );
});

test("R-07-18 nexus jobs and nexus jobs providers tell what the script has counted", async () => {
  const jobs = await place.json<Job[]>("jobs", "--limit", "1000");
  expect(jobs.length).toBe(tally.requests);
  expect(count(jobs)).toEqual(tally.states);
  const providers = await place.json<(Account & { kind: number; handlers: number; connected: boolean })[]>(
    "jobs",
    "providers",
  );
  expect(accounts(providers)).toEqual(accounts(Object.values(tally.providers)));
  expect(providers.every(({ kind, handlers, connected }) => kind === 5050 && handlers === 1 && !connected)).toBe(true);
});

test("R-07-21 /api/jobs and /api/stats tell the same", async () => {
  const jobs: Job[] = [];
  let states: unknown;
  for (let after: string | undefined; ; ) {
    const url = `${place.server.httpUrl}/api/jobs?limit=25${after === undefined ? "" : `&after=${after}`}`;
    const tags = [
      ["u", url],
      ["method", "GET"],
    ];
    const event = finalizeEvent(
      { kind: 27235, created_at: Math.floor(Date.now() / 1000), tags, content: "" },
      operator.secret,
    );
    const headers = { Authorization: `Nostr ${Buffer.from(JSON.stringify(event)).toString("base64")}` };
    const page = (await (await fetch(url, { headers })).json()) as {
      jobs: Job[];
      next?: string;
      by_kind: { states: object }[];
    };
    jobs.push(...page.jobs);
    states = page.by_kind[0]?.states;
    after = page.next;
    if (after === undefined) break;
  }
  expect(count(jobs)).toEqual(tally.states);
  expect(states).toEqual(tally.states);
  const { dvm } = (await (await fetch(`${place.server.httpUrl}/api/stats`)).json()) as { dvm: Record<string, unknown> };
  const stored = tally.requests - (tally.states.cancelled ?? 0);
  expect(dvm).toMatchObject({
    requests: stored,
    feedback: tally.feedback,
    results: tally.results,
    jobs_by_state: tally.states,
    handlers: 3,
    handlers_by_kind: { 5050: 3 },
    median_result_seconds: expect.any(Number),
  });
});

test("one job's history, a filter, a rebuilt ledger", async () => {
  const [job] = await place.json<Job[]>("jobs", "--state", "success", "--limit", "1");
  const shown = await place.json<{ timeline: { role: string; status?: string }[] }>("jobs", "show", job?.id ?? "");
  expect(shown.timeline[0]?.role).toBe("request");
  expect(shown.timeline.some(({ role }) => role === "result")).toBe(true);
  const { stdout } = await place.nexus(["jobs", "show", job?.id ?? ""]);
  expect(stdout).toMatch(/state\s+success[\s\S]*request[\s\S]*result/);
  expect((await place.nexus(["jobs", "show", "0".repeat(64)])).stderr).toMatch(/^error: the ledger has no such job/);
  expect(await place.nexus(["jobs", "rebuild"])).toMatchObject({ code: 0 });
  await expect
    .poll(async () => count(await place.json<Job[]>("jobs", "--limit", "1000")), { timeout: 30_000 })
    .toEqual(tally.states);
});

test("nexus jobs --live goes on until it is interrupted, also after the relay was away", async () => {
  const env = { ...process.env, NEXUS_RELAY: place.server.url, NEXUS_KEY_FILE: "operator.key" };
  const child = spawn(process.execPath, [NEXUS, "jobs", "--live", "--every", "1"], { cwd: place.directory, env });
  let seen = "";
  let told = "";
  child.stdout.on("data", (data) => {
    seen += String(data);
  });
  child.stderr.on("data", (data) => {
    told += String(data);
  });
  const boards = () => seen.split("Jobs at ").length - 1;
  await until("there are boards", () => boards() > 1);
  await place.server.kill();
  await until("it has missed the relay", () => told.includes("asking again"));
  await place.server.restart();
  const before = boards();
  await until("there are boards again", () => boards() > before);
  child.kill("SIGINT");
  await new Promise((resolve) => child.once("exit", resolve));
  expect(seen).toMatch(/kind[\s\S]*5050[\s\S]*pubkey[\s\S]*created at/);
});
