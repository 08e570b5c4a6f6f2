import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sleep } from "./process.ts";
import { Signer } from "./signer.ts";

// The relay of `npm start` and the commands of `nexus`, each a process of its own, in a directory of the temporary folder.

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The operator: its secret key is 7 shifted by 64 bits. */
export const operator = new Signer(7);
export const SECRET = (7n << 64n).toString(16).padStart(64, "0");

/** A fresh directory, with the operator's key in it, and the paths of what is in it. */
export function workDirectory(): { directory: string; path: (name: string) => string } {
  const directory = mkdtempSync(join(tmpdir(), "nexus-data-"));
  const path = (name: string) => join(directory, name);
  writeFileSync(path("operator.key"), SECRET, { mode: 0o600 });
  return { directory, path };
}

export class Relay {
  readonly data: string;
  readonly port: number;
  readonly #directory: string;
  readonly #settings: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;

  constructor(directory: string, name: string, port: number, settings: NodeJS.ProcessEnv = {}) {
    this.#directory = directory;
    this.data = join(directory, name);
    this.port = port;
    this.#settings = settings;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it, with further variables. Returns after how many milliseconds it answers. */
  async start(variables: NodeJS.ProcessEnv = {}): Promise<number> {
    const env = {
      ...process.env,
      PORT: `${this.port}`,
      NEXUS_DATA_DIR: this.data,
      RELAY_PUBKEY: operator.pubkey,
      LOG_LEVEL: "error",
      ...this.#settings,
      ...variables,
    };
    const begunMs = performance.now();
    const child = spawn(process.execPath, [join(ROOT, "cli/start.mjs")], {
      env,
      cwd: this.#directory,
      stdio: ["ignore", "ignore", "inherit"],
    });
    this.#child = child;
    for (;;) {
      const is = await fetch(`${this.url}/health/live`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (is) return performance.now() - begunMs;
      if (child.exitCode !== null) throw new Error(`the relay has ended with ${child.exitCode}`);
      await sleep(20);
    }
  }

  /** Returns after how many milliseconds the process has ended. */
  async end(signal: NodeJS.Signals): Promise<number> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return 0;
    const begunMs = performance.now();
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
    return performance.now() - begunMs;
  }
}

/** Runs `nexus` with the operator's key; `child` may be killed meanwhile. `peak` has the most memory of both, in MB. */
export function command(directory: string, relay: Relay, ...args: string[]) {
  const env = {
    ...process.env,
    NEXUS_RELAY: `ws://127.0.0.1:${relay.port}`,
    NEXUS_KEY_FILE: join(directory, "operator.key"),
    NEXUS_DATA_DIR: relay.data,
  };
  const child = spawn(process.execPath, [join(ROOT, "cli/nexus.mjs"), "--json", ...args], { env, cwd: directory });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => (stdout += text));
  child.stderr.on("data", (text) => (stderr += text));
  const peak = { command: 0, relay: 0 };
  const timer = setInterval(() => {
    peak.command = Math.max(peak.command, memoryMb(child.pid ?? 0));
    peak.relay = Math.max(peak.relay, memoryMb(relay.pid));
  }, 100);
  const done = once(child, "exit").then(([code, signal]) => {
    clearInterval(timer);
    return { code: code as number | null, signal: signal as string | null, stdout, stderr, peak };
  });
  return { child, done };
}

/** The same, where nothing but success will do: what it prints, and how long it takes. */
export async function succeed<T>(directory: string, relay: Relay, ...args: string[]) {
  const begunMs = performance.now();
  const { code, stdout, stderr, peak } = await command(directory, relay, ...args).done;
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${stderr}`);
  return { result: JSON.parse(stdout) as T, seconds: (performance.now() - begunMs) / 1000, peak };
}

/** The most memory that a process has had in RAM (`VmHWM`), or what it has now (`VmRSS`), in MB; 0 if there is none. */
export function memoryMb(pid: number, which: "VmHWM" | "VmRSS" = "VmHWM"): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(new RegExp(`^${which}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

export const say = (text: string) => console.log(text);
export const whole = (n: number) => Math.round(n).toLocaleString("en");
