import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nameOf, sleep, treeOf } from "./process.ts";

/** Root of this checkout. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/** No rate stands in the way: a measurement publishes from one address more than a person would. */
export const UNLIMITED = { LIMIT_EVENT: "off", LIMIT_REQ: "off", MAX_CONNECTIONS: "12000" };

/** A relay that is measured. */
export interface Target {
  readonly url: string;
  /** Whether it wants a login. */
  readonly auth: boolean;
  /** Process whose CPU time and memory count, with all that it has started; undefined if it is not known. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/** How a relay is run. */
export interface Run {
  /** Script of its package.json: `start` unless told. */
  script?: string;
  /** {@link UNLIMITED} unless told. */
  variables?: Readonly<Record<string, string>>;
  /** Files that its process may open; as many as this one unless told. */
  files?: number;
  /** Directory of its data, which stays; unless told, an empty one that goes with the relay. */
  data?: string;
}

/**
 * The relay of a checkout, as `npm start` runs it. npm itself is left out: its memory is not the relay's. Rejects with what it
 * printed if it does not answer within 30 seconds.
 */
export async function startRelay(
  root: string,
  { script = "start", variables = UNLIMITED, files, data }: Run = {},
): Promise<Target> {
  const port = await freePort();
  const directory = data ?? (await mkdtemp(join(tmpdir(), "nexus-bench-")));
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const command: string | undefined = scripts[script];
  if (command === undefined) throw new Error(`${root} has no script ${script}.`);
  const limit = files === undefined ? "" : `ulimit -n ${files} && `;
  const child = spawn("sh", ["-c", `${limit}exec ${command.replace(/^exec /, "")}`], {
    cwd: root,
    env: {
      ...process.env,
      PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}`,
      PORT: String(port),
      NEXUS_DATA_DIR: directory,
      ...variables,
    },
  });
  return started(child, port, true, data === undefined ? directory : undefined);
}

/** The least that Node needs to answer at all: a relay that parses, checks and stores nothing (`floor/node.mjs`). */
export async function startFloor(): Promise<Target> {
  const port = await freePort();
  return started(spawn(process.execPath, [join(ROOT, "bench/floor/node.mjs"), String(port)]), port, false, undefined);
}

async function started(child: ChildProcess, port: number, auth: boolean, toRemove: string | undefined) {
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (printed += text));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const clean = async () => {
    await ended;
    if (toRemove !== undefined) await rm(toRemove, { recursive: true, force: true });
  };
  try {
    await untilAnswers(port, child);
  } catch {
    child.kill("SIGKILL");
    await clean();
    throw new Error(`A relay did not start:\n${printed}`);
  }
  const tree = treeOf(child.pid as number);
  return {
    url: `ws://localhost:${port}`,
    auth,
    // What starts workerd is not the relay.
    pid: tree.find((pid) => nameOf(pid) === "workerd") ?? child.pid,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await clean();
      clearTimeout(timer);
    },
  };
}

/** Waits for a relay to answer; rejects if it does not. */
export async function untilAnswers(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error("A relay did not start.");
    await sleep(50);
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://localhost:${port}/health`)).ok;
  } catch {
    return false;
  }
}

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
