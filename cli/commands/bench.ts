import { confirm, isCancel, spinner } from "@clack/prompts";
import { Command } from "commander";
import { type BenchResult, bench } from "../bench/bench.ts";
import { KeySigner } from "../client/crypto.ts";
import { placeOf } from "../client/place.ts";
import { readSigner } from "../client/secret.ts";
import { Failure, UsageError } from "../failure.ts";
import { shorten, show, tableOf } from "../output.ts";
import { examples, type GlobalOptions, optionsOf } from "./context.ts";
import { wholeNumber } from "./filter.ts";
import { newSecret } from "./key.ts";

interface Flags extends GlobalOptions {
  connections: number;
  events: number;
  live: number;
  ownKey?: boolean;
  yes?: boolean;
}

/** More would measure this machine. */
const MAX = { connections: 500, events: 50_000, live: 10_000 };

const COLUMNS = ["operation", "count", "failed", "per_second", "p50", "p95", "p99", "max"];

/** `nexus bench`: how fast a relay is from here. */
export function benchCommand(): Command {
  return new Command("bench")
    .argument("[url]", "the relay")
    .description("Measure how fast a relay answers from here. It stores events and deletes them afterwards.")
    .option("--connections <number>", "connections at a time", wholeNumber, 20)
    .option("--events <number>", "events to store and to ask for", wholeNumber, 500)
    .option("--live <number>", "events to pass on to all connections", wholeNumber, 100)
    .option("--own-key", "act with your key instead of a new one: where not every key may log in")
    .option("--yes", "do not ask")
    .addHelpText("after", examples("nexus bench", "nexus bench wss://relay.example.com --own-key --events 2000 --yes"))
    .action(async (url: string | undefined, _, command: Command) => {
      const options = optionsOf<Flags>(command);
      for (const name of ["connections", "events", "live"] as const) {
        if (options[name] < 1 || options[name] > MAX[name]) throw new UsageError(`--${name} is 1 to ${MAX[name]}`);
      }
      const place = placeOf(url ?? options.relay);
      await agree(place.url, options);
      const signer = options.ownKey ? await readSigner(options) : new KeySigner(newSecret());
      const bar = process.stderr.isTTY && !options.json ? spinner({ output: process.stderr }) : undefined;
      bar?.start("Measuring");
      const result = await bench({ ...options, place, signer, report: (step) => bar?.message(step) }).finally(() =>
        bar?.clear(),
      );
      show(options.json, { relay: place.url, ...result }, textOf(result, options));
      if (result.left > 0) throw new Failure(`${result.left} events are left: they expire within an hour`);
      const failed = result.figures.reduce((sum, one) => sum + one.failed, 0);
      if (failed > 0) throw new Failure(`${failed} operations failed`);
    });
}

/** Asks whether it may write. */
async function agree(url: string, { events, live, ownKey, yes }: Flags): Promise<void> {
  if (yes) return;
  const key = ownKey ? "your key" : "a new key";
  const what = `Store ${events} events with ${key} at ${url}, send ${live} ephemeral ones, and delete all afterwards?`;
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new UsageError(`${what} Give --yes to agree`);
  const answer = await confirm({ message: what, output: process.stderr });
  if (isCancel(answer) || !answer) throw new Failure("nothing was measured");
}

function textOf({ figures, failures, deletions }: BenchResult, { connections }: Flags): string {
  return [
    tableOf(figures, COLUMNS),
    ...Object.entries(failures).map(([reason, count]) => `${count} failed: ${shorten(reason)}`),
    `Times are milliseconds from here, the network included; ${connections} connections, each with one thing at a time.`,
    `The relay keeps ${deletions} deletion${deletions === 1 ? "" : "s"}, and nothing else of it.`,
  ].join("\n");
}
