import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { threadsOf, treeOf } from "../../../bench/process.ts";
import { ROOT, startRelay, type Target } from "../../../bench/target.ts";
import type { Case } from "./cases.ts";
import { STOCKS } from "./stocks.ts";

// Runs an attack: the relay, the attacker and the bystander, who measures, are processes of their own.

/** Only root may have a process come before all others. */
const mayFavour = spawnSync("chrt", ["-f", "2", "true"]).status === 0;

/** How long the relay is left alone before and after. */
const QUIET_MS = 300;
const AFTER_MS = 500;

/** What the bystander waited for the relay, in milliseconds, without what the relay waited for a core. */
export interface Waits {
  answers: number;
  medianMs: number;
  p99Ms: number;
  worstMs: number;
  /** The longest, with that. */
  longestMs: number;
}

export interface Outcome extends Waits {
  /** What the attacker did. */
  attack: Record<string, number>;
}

/** A script of this folder as a process that is told lines and answers with lines. */
export class Helper {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(script: string, args: readonly (string | number)[], priority: "first" | "last") {
    const command = !mayFavour ? [] : priority === "first" ? ["chrt", "-f", "2"] : ["nice", "-n", "-10"];
    const words = [...command, process.execPath, join(ROOT, "test/load/attacks", script), ...args.map(String)];
    this.#child = spawn(words[0] as string, words.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
    // It may have ended.
    this.#child.stdin?.on("error", () => {});
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** The next line; throws if it has ended instead. */
  async hear(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error("A process of the test has ended.");
    return value;
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}

/** Who measures. With `publishes` every other question is an EVENT. */
export async function bystander({ url, pid = 0 }: Target, connections = 1, everyMs = 10, publishes = false) {
  const helper = new Helper(
    "bystander.ts",
    [url, pid, connections, everyMs, ...(publishes ? ["publish"] : [])],
    "first",
  );
  await helper.hear();
  return {
    begin: () => helper.tell("begin"),
    async end(): Promise<Waits> {
      helper.tell("end");
      const waits = JSON.parse(await helper.hear());
      if (waits.error !== undefined) throw new Error(`The bystander is not served any more: ${waits.error}`);
      return waits;
    },
    stop: () => helper.end(),
  };
}

/** An attacker that is ready; `go` attacks and resolves to what was done. */
export async function attacker(url: string, title: string, seconds: number) {
  const helper = new Helper("attacker.ts", [url, title, seconds], "last");
  await helper.hear();
  return {
    async go(): Promise<Record<string, number>> {
      helper.tell("go");
      return JSON.parse(await helper.hear());
    },
    stop: () => helper.end(),
  };
}

/**
 * Lets a relay go before whatever else the machine does, where that is allowed, so that what is measured is the relay and not
 * who else wants the cores. With ATTACK_SHARED set even before threads of the kernel that write its files: then TMPDIR must
 * name a directory in memory.
 */
export function favour(pid: number | undefined): void {
  if (!mayFavour || pid === undefined) return;
  for (const thread of treeOf(pid).flatMap(threadsOf)) {
    if (process.env.ATTACK_SHARED === undefined) setPriority(thread, -19);
    else spawnSync("chrt", ["-f", "-p", "1", String(thread)]);
  }
}

/** Runs cases on relays of their own, from a checkout; each stock is made once. */
export class Runner {
  readonly #root: string;
  readonly #script: string;
  readonly #stocks = new Map<string, Promise<string>>();

  constructor(root = ROOT, script = "start") {
    this.#root = root;
    this.#script = script;
  }

  /** One case for so many seconds. Throws if relay or bystander do not survive it. */
  async run({ title, attack }: Case, seconds: number): Promise<Outcome> {
    const data = await mkdtemp(join(tmpdir(), "nexus-attack-"));
    let relay: Target | undefined;
    let helpers: { stop(): void }[] = [];
    try {
      if (attack.stock !== undefined) await cp(await this.#stock(attack.stock), data, { recursive: true });
      relay = await startRelay(this.#root, { script: this.#script, variables: attack.variables ?? {}, data });
      favour(relay.pid);
      const [by, waits] = await Promise.all([attacker(relay.url, title, seconds), bystander(relay)]);
      helpers = [by, waits];
      await pause(QUIET_MS);
      waits.begin();
      const done = await by.go();
      await pause(AFTER_MS);
      return { ...(await waits.end()), attack: done };
    } finally {
      for (const helper of helpers) helper.stop();
      await relay?.stop();
      await rm(data, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    for (const directory of this.#stocks.values()) await rm(await directory, { recursive: true, force: true });
  }

  /** The data directory of a relay that has stored it. */
  #stock(name: string): Promise<string> {
    const known = this.#stocks.get(name) ?? this.#fill(name);
    this.#stocks.set(name, known);
    return known;
  }

  async #fill(name: string): Promise<string> {
    const data = await mkdtemp(join(tmpdir(), "nexus-stock-"));
    const stock = STOCKS[name];
    if (stock === undefined) throw new Error(`There is no stock ${name}.`);
    const relay = await startRelay(this.#root, { script: this.#script, variables: stock.variables ?? {}, data });
    await stock.fill(relay.url);
    await relay.stop();
    return data;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
