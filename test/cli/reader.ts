import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { noteEncode, npubEncode } from "nostr-tools/nip19";
import { alice } from "../support/keys.ts";
import { freePort, ROOT, type Server, startServer, until } from "../support/server.ts";

/** How long one command may take. */
const TIMEOUT_MS = 60_000;

/** What a program prints that runs until it is stopped. */
const RUNS = /Ctrl-C stops it|Nexus is running/;

/** A comment in a document: the command goes on, and says nothing about it. It is good if it has not ended at once. */
const ENDLESS = /#.*\buntil Ctrl-C/;
const ENDLESS_MS = 2000;

/** A relay of somebody else. */
const OTHER = "wss://other.example.com";

/** What belongs to one checkout alone. */
const OWN = new Set([".env", ".git", ".nexus"]);

/** Where the documents have a port, and each reader its own. */
const PORTS = ["8787", "7447", "7448"];

/** The commands of a document: the lines of its `sh` fences. Fences of other languages are for the eye. */
export function commandsOf(page: string): string[] {
  const fences = readFileSync(join(ROOT, page), "utf8").matchAll(/^( *)```sh\n([\s\S]*?)\n\1```$/gm);
  return [...fences].flatMap(([, indent = "", body = ""]) =>
    body
      .split("\n")
      .map((line) => line.slice(indent.length).trim())
      .filter((line) => line !== "" && !line.startsWith("#")),
  );
}

/** Somebody who follows a document in a fresh checkout: what one command prints stands for a word of a later one. */
export class Reader {
  readonly #directory = mkdtempSync(join(tmpdir(), "nexus-reader-"));
  readonly #bin = mkdtempSync(join(tmpdir(), "nexus-bin-"));
  readonly #children: ChildProcess[] = [];
  readonly #words = new Map<string, string>([
    ["npub1…", npubEncode(alice.pubkey)],
    ["note1…", noteEncode("0".repeat(63).concat("1"))],
    ["ann@example.com", npubEncode(alice.pubkey)],
  ]);
  #env: NodeJS.ProcessEnv = {};
  #other: Server | undefined;

  /** What init and bench ask is answered as they propose. A checkout with nothing in it but what the repository has, and shims for what CI has done already. */
  async open(commands: readonly string[]): Promise<void> {
    if (commands.some((line) => line.includes(OTHER))) {
      this.#other = await startServer();
      this.#words.set(OTHER, this.#other.url);
    }
    for (const name of readdirSync(ROOT))
      if (!OWN.has(name)) symlinkSync(join(ROOT, name), join(this.#directory, name));
    const shim = (name: string, script: string) =>
      writeFileSync(join(this.#bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    shim(
      "npx",
      `[ "$1" = nexus ] || exit 1; shift; case $1 in init|bench) set -- "$@" --yes;; esac; exec "${process.execPath}" cli/nexus.mjs "$@"`,
    );
    shim("npm", `case $1 in ci|install) exit 0;; start) exec "${process.execPath}" cli/start.mjs;; *) exit 1;; esac`);
    for (const port of PORTS) this.#words.set(port, String(await freePort()));
    this.#words.set("wss://relay.example.com", `ws://localhost:${this.#words.get("8787")}`);
    this.#env = { HOME: this.#directory, PATH: `${this.#bin}:${process.env.PATH}`, PORT: this.#words.get("8787") };
  }

  /** Runs one line; resolves when it has ended well, or says that it runs until it is stopped. Throws what it printed. */
  async run(line: string): Promise<string> {
    const command = [...this.#words].reduce((text, [word, value]) => text.replaceAll(word, value), line);
    const child = spawn("bash", ["-o", "pipefail", "-c", `exec 2>&1; ${command}`], {
      cwd: this.#directory,
      env: this.#env,
      detached: true,
    });
    this.#children.push(child);
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    const hasEnded = () => child.exitCode !== null;
    if (ENDLESS.test(line)) {
      await Promise.race([once(child.stdout, "data"), once(child, "exit"), delay(ENDLESS_MS)]);
      if (hasEnded()) throw new Error(`${command} ended:\n${printed}`);
      return printed;
    }
    await until(`an end of: ${command}\n${printed}`, () => hasEnded() || RUNS.test(printed), TIMEOUT_MS);
    if (hasEnded() && child.exitCode !== 0) throw new Error(`${command} ended with ${child.exitCode}:\n${printed}`);
    this.#learn(printed);
    return printed;
  }

  /** The code of a new invite is CODE from now on, an invite of a list ID, the npub of agent.key AGENT_NPUB. */
  #learn(printed: string): void {
    const learn = (word: string, value: string | undefined) => value !== undefined && this.#words.set(word, value);
    learn("CODE", /^code +(\w+)$/m.exec(printed)?.[1]);
    learn("ID", /^[│ ]*([0-9a-f]{8,64}) /m.exec(printed)?.[1]);
    for (const [, name = "", npub] of printed.matchAll(/(\w+)\.key\W+(npub1\w+)/g))
      learn(`${name.toUpperCase()}_NPUB`, npub);
    const [, npub, name = ""] = /^npub +(npub1\w+)[\s\S]*^file +(\w+)\.key/m.exec(printed) ?? [];
    learn(`${name.toUpperCase()}_NPUB`, npub);
  }

  async close(): Promise<void> {
    await this.#other?.stop();
    for (const { pid } of this.#children) {
      try {
        process.kill(-(pid ?? 0), "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    for (const directory of [this.#directory, this.#bin]) rmSync(directory, { recursive: true, force: true });
  }
}
