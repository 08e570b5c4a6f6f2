import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { Client } from "./client.ts";

/** Root of the repository. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const START_TIMEOUT_MS = 40_000;
const STOP_TIMEOUT_MS = 10_000;

/** Which host runs: that of `npm start`, or that of `npm run start:workers`. */
export type Host = "node" | "workers";

declare module "vitest" {
  interface ProvidedContext {
    /** The host that the servers of a project run on; that of `npm start` where the project does not say. */
    host?: Host;
  }
}

const SCRIPTS: Record<Host, string> = { node: "cli/start.mjs", workers: "cli/workers/start.mjs" };

/** A relay in a process of its own and with a data directory of its own. */
export interface Server {
  readonly url: string;
  readonly httpUrl: string;
  readonly port: number;
  readonly dataDirectory: string;
  /** Everything that the running process has printed, on both streams. */
  output(): string;
  /** Process id of the Node process. */
  pid(): number;
  /** Exit code of the Node process; null while it runs and when a signal ended it. */
  exitCode(): number | null;
  /** Sends a signal (SIGKILL unless told) to the Node process; waits until it is gone and nobody listens any more. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends it with SIGTERM; removes the data directory. */
  stop(): Promise<void>;
  /** Ends it with SIGTERM, if it still runs, and starts it again with the same port and data directory. */
  restart(): Promise<void>;
}

/** Starts a relay on a host and waits until it is ready. `env` is added to the environment. */
export async function startServer(env: Record<string, string> = {}, host = inject("host") ?? "node"): Promise<Server> {
  const port = env.PORT === undefined ? await freePort() : Number(env.PORT);
  const ownDirectory = env.NEXUS_DATA_DIR === undefined;
  const dataDirectory = env.NEXUS_DATA_DIR ?? (await mkdtemp(join(tmpdir(), "nexus-test-")));
  const start = () => run(SCRIPTS[host], { ...env, PORT: String(port), NEXUS_DATA_DIR: dataDirectory });
  const removeData = async () => {
    if (ownDirectory) await rm(dataDirectory, { recursive: true, force: true });
  };
  let running = start();
  try {
    await running.ready();
  } catch (error) {
    await running.end("SIGKILL");
    await removeData();
    throw error;
  }
  const end = async (signal: NodeJS.Signals) => {
    await running.end(signal);
    await untilFree(port);
  };
  return {
    url: `ws://localhost:${port}`,
    httpUrl: `http://localhost:${port}`,
    port,
    dataDirectory,
    output: () => running.output(),
    pid: () => running.pid,
    exitCode: () => running.exitCode(),
    kill: (signal = "SIGKILL") => end(signal),
    async stop() {
      await end("SIGTERM");
      await removeData();
    },
    async restart() {
      await end("SIGTERM");
      running = start();
      await running.ready();
    },
  };
}

/** Connects a raw client and takes the challenge. */
export async function openClient(url: string): Promise<Client> {
  return new Client(new WebSocket(url)).takeChallenge();
}

/** Ports below those that the system gives to clients: nobody takes one between the question and its use. */
const PORTS = { first: 10_000, count: 20_000 };

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
  const server = createServer();
  const isFree = await new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  return isFree ? port : freePort();
}

/** Waits until `isTrue`, asking every 20 ms; throws with `what` when it takes too long. */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  timeoutMs = STOP_TIMEOUT_MS,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`still not so after ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until the port can be listened on again. */
export function untilFree(port: number): Promise<void> {
  return until(`port ${port} is free`, async () => {
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      return false;
    }
    server.close();
    await once(server, "close");
    return true;
  });
}

function run(script: string, env: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [script], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid ?? 0,
    exitCode: () => child.exitCode,
    output: () => printed,
    async ready() {
      const isDecided = () => hasEnded() || printed.includes("Nexus is running");
      await until("the server runs", isDecided, START_TIMEOUT_MS);
      if (hasEnded()) throw new Error(`the server ended with ${child.exitCode ?? child.signalCode}:\n${printed}`);
    },
    async end(signal: NodeJS.Signals) {
      if (hasEnded()) return;
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
    },
  };
}
