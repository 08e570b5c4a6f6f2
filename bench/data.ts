import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Digest } from "../cli/data/digest.ts";
import { generate } from "./generate.ts";
import { sleep } from "./process.ts";
import { Signer } from "./signer.ts";

// node bench/data.ts [EVENTS] [KILLS]: what import, export and backup of a large relay take, and whether they survive kills.

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const EVENTS = Number(process.argv[2] ?? 1_000_000);
const KILLS = Number(process.argv[3] ?? 10);

/** The operator: its secret key is 7 shifted by 64 bits. */
const operator = new Signer(7);
const SECRET = (7n << 64n).toString(16).padStart(64, "0");

interface Exported {
  events: number;
  digest: string;
}

const directory = mkdtempSync(join(tmpdir(), "nexus-data-"));
const path = (name: string) => join(directory, name);
writeFileSync(path("operator.key"), SECRET, { mode: 0o600 });

class Relay {
  readonly data: string;
  readonly port: number;
  #child: ChildProcess | undefined;

  constructor(name: string, port: number) {
    this.data = path(name);
    this.port = port;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const env = {
      ...process.env,
      PORT: `${this.port}`,
      NEXUS_DATA_DIR: this.data,
      RELAY_PUBKEY: operator.pubkey,
      LOG_LEVEL: "error",
    };
    const args = ["--max-semi-space-size=2", join(ROOT, "cli/start.mjs")];
    this.#child = spawn(process.execPath, args, { env, cwd: directory, stdio: "ignore" });
    for (;;) {
      const is = await fetch(`http://127.0.0.1:${this.port}/health/live`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (is) return;
      await sleep(50);
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child as ChildProcess;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
}

/** Runs `nexus`; `pid` may be killed meanwhile. */
function command(relay: Relay, ...args: string[]) {
  const env = { ...process.env, NEXUS_RELAY: `ws://127.0.0.1:${relay.port}`, NEXUS_KEY_FILE: path("operator.key") };
  const child = spawn(process.execPath, [join(ROOT, "cli/nexus.mjs"), "--json", ...args], { env, cwd: directory });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => (stdout += text));
  child.stderr.on("data", (text) => (stderr += text));
  const peak = { command: 0, relay: 0 };
  const timer = setInterval(() => {
    peak.command = Math.max(peak.command, peakMb(child.pid ?? 0));
    peak.relay = Math.max(peak.relay, peakMb(relay.pid));
  }, 100);
  const done = once(child, "exit").then(([code, signal]) => {
    clearInterval(timer);
    return { code: code as number | null, signal: signal as string | null, stdout, stderr, peak };
  });
  return { child, done };
}

async function succeed<T>(relay: Relay, ...args: string[]) {
  const begunMs = performance.now();
  const { code, stdout, stderr, peak } = await command(relay, ...args).done;
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${stderr}`);
  return { result: JSON.parse(stdout) as T, seconds: (performance.now() - begunMs) / 1000, peak };
}

/** The most memory that a process has had in RAM, in MB. */
function peakMb(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** What a relay has after each line of a file: called with its digest, until it says that this was enough. */
async function walk(file: string, isEnough: (digest: Digest, line: number) => boolean): Promise<void> {
  const current = new Map<string, string>();
  let digest = new Digest();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(file) })) {
    const { id, kind, pubkey, tags } = JSON.parse(text) as {
      id: string;
      kind: number;
      pubkey: string;
      tags: string[][];
    };
    digest.add(id);
    if (kind === 30_078) {
      const address = `${pubkey} ${tags[0]?.[1]}`;
      const before = current.get(address);
      if (before !== undefined) digest = without(digest, before);
      current.set(address, id);
    }
    if (isEnough(digest, ++line)) return;
  }
}

function without(digest: Digest, id: string): Digest {
  const left = BigInt.asUintN(256, BigInt(`0x${digest}`) - BigInt(`0x${id}`));
  return new Digest(left.toString(16), digest.count - 1);
}

const say = (text: string) => console.log(text);
const whole = (n: number) => Math.round(n).toLocaleString("en");

try {
  const file = path("events.jsonl");
  await generate(file, EVENTS);
  say(`${whole(EVENTS)} events, ${whole(statSync(file).size / 1e6)} MB`);
  let expected = new Digest();
  await walk(file, (digest) => {
    expected = digest;
    return false;
  });

  const first = new Relay("first", await freePort());
  await first.start();
  const imported = await succeed(first, "import", "events.jsonl");
  const { seconds, peak } = imported;
  say(
    `import: ${whole(seconds)} s, ${whole(EVENTS / seconds)} events/s; peak memory ${whole(peak.command)} MB command, ${whole(peak.relay)} MB relay`,
  );
  const exported = await succeed<Exported>(first, "export", "first.jsonl.zst");
  say(
    `export: ${whole(exported.seconds)} s, ${whole(exported.result.events / exported.seconds)} events/s; peak memory ${whole(exported.peak.command)} MB command, ${whole(exported.peak.relay)} MB relay; ${whole(statSync(path("first.jsonl.zst")).size / 1e6)} MB`,
  );
  check("the export has what was imported", exported.result, expected);
  const repeated = await succeed(first, "import", "first.jsonl.zst");
  say(
    `import of what is there: ${whole(repeated.seconds)} s, ${whole(exported.result.events / repeated.seconds)} events/s`,
  );
  await first.end("SIGTERM");
  rmSync(first.data, { recursive: true });

  const second = new Relay("second", await freePort());
  await second.start();
  let kills = 0;
  const meanMs = (seconds * 1000) / (KILLS + 1);
  for (;;) {
    const { child, done } = command(second, "import", "events.jsonl");
    let over = false;
    void done.then(() => (over = true));
    while (!over && kills < KILLS) {
      await Promise.race([sleep(meanMs * (0.3 + 1.4 * Math.random())), done]);
      if (over) break;
      kills++;
      if (kills % 2 === 0) {
        await second.end("SIGKILL");
        await second.start();
      } else {
        child.kill("SIGKILL");
        await done;
      }
    }
    const { code, signal, stderr } = await done;
    if (code === 0) break;
    if (signal === null) throw new Error(stderr);
  }
  const survived = await succeed<Exported>(second, "export", "second.jsonl.gz");
  say(`killed ${kills} times with kill -9, command and relay in turn`);
  check("the set is exactly right", survived.result, expected);
  await second.end("SIGTERM");
  rmSync(second.data, { recursive: true });

  const third = new Relay("third", await freePort());
  await third.start();
  const importing = succeed(third, "import", "events.jsonl");
  await sleep((seconds * 1000) / 3);
  const backup = await succeed<{ events: number; bytes: number }>(third, "backup", "backup.sqlite");
  say(
    `backup under load: ${backup.seconds.toFixed(1)} s, ${whole(backup.result.bytes / 1e6)} MB, ${whole(backup.result.events)} events`,
  );
  await importing;
  await third.end("SIGTERM");
  const restored = new Relay("restored", await freePort());
  mkdirSync(restored.data, { mode: 0o700 });
  renameSync(path("backup.sqlite"), join(restored.data, "nexus.sqlite"));
  await restored.start();
  const state = await succeed<Exported>(restored, "export", "restored.jsonl.zst");
  let existed = 0;
  await walk(file, (digest, line) => {
    if (`${digest}` === state.result.digest && digest.count === state.result.events) existed = line;
    return existed > 0;
  });
  if (existed === 0) throw new Error("the backup is of no state that existed");
  say(`the backup is the state after line ${whole(existed)} of the import`);
  await restored.end("SIGTERM");
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function check(what: string, found: Exported, expected: Digest): void {
  const is = found.digest === `${expected}` && found.events === expected.count;
  if (!is) throw new Error(`not so: ${what}: ${JSON.stringify(found)} instead of ${expected.count} ${expected}`);
  say(`${what}: ${whole(found.events)} events, digest ${found.digest.slice(0, 16)}…`);
}
