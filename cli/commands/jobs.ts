import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import { JOB_STATES } from "../../src/protocol/job/profile.ts";
import { publicKeyOf } from "../client/keys.ts";
import { type Management, Unreachable } from "../client/management.ts";
import { Failure, messageOf } from "../failure.ts";
import { membersOf, shorten, show, showRows, tableOf, timeOf } from "../output.ts";
import { change, examples, management, optionsOf } from "./context.ts";
import { wholeNumber } from "./filter.ts";

const COLUMNS = ["id", "kind", "state", "created_at", "customer", "provider", "feedback_seconds", "result_seconds"];
const KINDS = ["kind", "open", "claimed", "late", "expiring", "handlers", "result_p50", "result_p95", "states"];
const PROVIDERS = [
  "pubkey",
  "kind",
  "listening",
  "working",
  "answered",
  "failed",
  "success",
  "feedback_p50",
  "result_p50",
  "result_p95",
  "last_seen_at",
];

/** Jobs of one page at most. */
const PAGE = 500;

interface Job {
  id: string;
  [member: string]: unknown;
}

interface Filter {
  kind?: number;
  state?: string;
  provider?: string;
  customer?: string;
  limit: number;
  live?: boolean;
  every: number;
}

/** `nexus jobs`: what became of jobs. */
export function jobsCommand(): Command {
  return new Command("jobs")
    .description("List jobs and their states, the newest first; for operators.")
    .option("--kind <number>", "requests of this kind", wholeNumber)
    .addOption(new Option("--state <state>", "jobs in this state").choices(JOB_STATES))
    .option("--provider <key>", "jobs of which this key has made something")
    .option("--customer <key>", "jobs that this key has requested")
    .option("--limit <number>", "jobs at most", wholeNumber, 20)
    .option("--live", "a board that goes on until Ctrl-C")
    .option("--every <seconds>", "how often the board asks", wholeNumber, 2)
    .addHelpText(
      "after",
      examples(
        "nexus jobs --state requested",
        "nexus jobs --live",
        "nexus jobs show 3f2a…",
        "nexus jobs providers --json",
      ),
    )
    .action(async (_, command: Command) => {
      const options = optionsOf<Filter>(command);
      const relay = await management(options);
      if (options.live) return board(relay, options);
      showRows(options.json, await jobsOf(relay, options), COLUMNS);
    })
    .addCommand(showJob())
    .addCommand(providers())
    .addCommand(rebuild());
}

function showJob(): Command {
  return new Command("show")
    .description("Show one job and its history.")
    .argument("<id>", "id of the request")
    .addHelpText("after", examples("nexus jobs show 3f2a… --json"))
    .action(async (id: string, _, command: Command) => {
      const options = optionsOf(command);
      const job = await (await management(options)).call<(Job & { timeline: Job[] }) | null>("job", id);
      if (job === null)
        throw new Failure("the ledger has no such job: it keeps requests that came here, for seven days");
      const { timeline, ...rest } = job;
      show(
        options.json,
        job,
        `${membersOf(rest)}\n\n${tableOf(timeline.map(entryOf), ["created_at", "role", "pubkey", "status", "amount_msat", "says"])}`,
      );
    });
}

function providers(): Command {
  return new Command("providers")
    .description("List providers by kind of request: what they did with the jobs whose requests are stored.")
    .addHelpText("after", examples("nexus jobs providers", "nexus jobs providers --json"))
    .action(async (_, command: Command) => {
      const options = optionsOf(command);
      showRows(options.json, await providersOf(await management(options)), PROVIDERS);
    });
}

function rebuild(): Command {
  return new Command("rebuild")
    .description("Derive the ledger of jobs anew from the stored events, in the background.")
    .addHelpText("after", examples("nexus jobs rebuild"))
    .action((_, command: Command) =>
      change(command, "rebuildjobs", [], { done: "The relay derives its ledger anew." }),
    );
}

/** Up to `limit` jobs, over as many pages as it takes. */
async function jobsOf(relay: Management, { limit, kind, state, provider, customer }: Filter): Promise<Job[]> {
  const filter = {
    ...(kind !== undefined && { kind }),
    ...(state !== undefined && { state }),
    ...(provider !== undefined && { provider: await publicKeyOf(provider) }),
    ...(customer !== undefined && { customer: await publicKeyOf(customer) }),
  };
  const jobs: Job[] = [];
  for (let after: string | undefined; jobs.length < limit; ) {
    const page = await relay.call<{ jobs: Job[]; next?: string }>(
      "listjobs",
      Math.min(PAGE, limit - jobs.length),
      after ?? null,
      filter,
    );
    jobs.push(...page.jobs);
    after = page.next;
    if (after === undefined) break;
  }
  return jobs;
}

async function providersOf(relay: Management): Promise<object[]> {
  const all: object[] = [];
  for (let after: string | undefined; ; ) {
    const page = await relay.call<{ providers: Job[]; next?: string }>("listproviders", PAGE, after ?? null);
    all.push(...page.providers.map((one) => ({ ...one, success: percent(one.success_rate) })));
    after = page.next;
    if (after === undefined) return all;
  }
}

/** Shows kinds, providers and the newest jobs again and again, until it is interrupted. A relay that goes may come back. */
async function board(relay: Management, options: Filter & { json?: boolean }): Promise<void> {
  await showBoard(relay, options);
  for (;;) {
    await sleep(Math.max(1, options.every) * 1000);
    await showBoard(relay, options).catch((error) => {
      if (!(error instanceof Unreachable)) throw error;
      console.error(`${messageOf(error)}; asking again`);
    });
  }
}

async function showBoard(relay: Management, options: Filter & { json?: boolean }): Promise<void> {
  const kinds = await relay.call<object[]>("jobsummary");
  const of = await providersOf(relay);
  const jobs = await jobsOf(relay, options);
  const text = [
    `Jobs at ${timeOf(Math.floor(Date.now() / 1000))}, every ${options.every} s. Ctrl-C ends.`,
    tableOf(kinds, KINDS),
    tableOf(of, PROVIDERS),
    tableOf(jobs, COLUMNS),
  ].join("\n\n");
  if (process.stdout.isTTY && !options.json) process.stdout.write("\u001b[H\u001b[2J");
  show(options.json, { kinds, providers: of, jobs }, text);
}

function entryOf(entry: Job): object {
  return { ...entry, says: shorten([entry.extra, entry.content].filter(Boolean).join(": "), 60) };
}

function percent(rate: unknown): string {
  return typeof rate === "number" ? `${Math.round(100 * rate)} %` : "";
}
