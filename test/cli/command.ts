import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Key, key } from "../support/keys.ts";
import { ROOT, type Server, startServer } from "../support/server.ts";

export const NEXUS = join(ROOT, "cli/nexus.mjs");

/** The relay's own key, and that of its operator. */
export const self = key(901);
export const operator = key(902);

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A directory of its own, with a relay of which `operator.key` is the operator's key, and the command beside it. */
export interface Place {
  directory: string;
  server: Server;
  /** Runs `nexus`; the operator's key is at hand unless the environment says otherwise. */
  nexus(args: readonly string[], options?: { env?: Record<string, string>; input?: string }): Promise<Outcome>;
  /** Runs `nexus --json`, which must succeed, and parses what it prints. */
  json<T = unknown>(...args: string[]): Promise<T>;
  /** Writes a key file and returns its name. */
  keyFile(name: string, key: Key): string;
  end(): Promise<void>;
}

export async function openPlace(env: Record<string, string> = {}): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "nexus-cli-"));
  const server = await startServer({ RELAY_SECRET_KEY: hex(self.secret), RELAY_PUBKEY: operator.pubkey, ...env });
  const keyFile = (name: string, { secret }: Key) => {
    writeFileSync(join(directory, name), hex(secret), { mode: 0o600 });
    return name;
  };
  keyFile("operator.key", operator);
  const nexus: Place["nexus"] = (args, { env: own = {}, input = "" } = {}) => {
    const all = { ...process.env, NEXUS_RELAY: server.url, NEXUS_KEY_FILE: "operator.key", ...own };
    return runNexus(args, { cwd: directory, env: all }, input);
  };
  return {
    directory,
    server,
    nexus,
    async json<T>(...args: string[]) {
      const { code, stdout, stderr } = await nexus(["--json", ...args]);
      if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
    keyFile,
    async end() {
      await server.stop();
      await rm(directory, { recursive: true });
    },
  };
}

/** Runs the command to its end. */
export function runNexus(
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
  input = "",
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [NEXUS, ...args],
      { timeout: 30_000, ...options },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}
