import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NEXUS } from "./command.ts";

const directory = mkdtempSync(join(tmpdir(), "nexus-completion-"));
const fileOf = (shell: string) => join(directory, `nexus.${shell}`);
const has = (shell: string) => spawnSync(shell, ["--version"]).status === 0;

beforeAll(() => {
  for (const shell of ["bash", "zsh", "fish"]) {
    writeFileSync(fileOf(shell), execFileSync(process.execPath, [NEXUS, "completion", shell]));
  }
});

afterAll(() => rmSync(directory, { recursive: true }));

/** What bash offers behind these words, the last of which is the one at hand. */
function bash(...words: string[]): string[] {
  const script = `source "$0"; COMP_WORDS=(nexus "$@"); COMP_CWORD=$#; _nexus; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["--norc", "-c", script, fileOf("bash"), ...words], { encoding: "utf8" })
    .trim()
    .split("\n");
}

test("bash offers commands, options and nothing else", () => {
  expect(bash("mem")).toEqual(["member"]);
  expect(bash("member", "")).toEqual(expect.arrayContaining(["add", "list", "remove", "--json"]));
  expect(bash("--relay", "member", "req", "--si")).toEqual(["--since"]);
  expect(bash("--json", "invite", "--relay", "wss", ":", "//relay", "new", "--no")).toEqual(["--no-qr"]);
  // A file, or a value that nobody knows.
  expect(bash("--key-file", "")).toEqual([""]);
  // Nothing of what is typed is run.
  expect(bash("publish", "-c", "$(echo --json >&2)", "--js")).toEqual(["--json"]);
});

test("a person at bash types half a word and a tab", async () => {
  const typed = `source ${fileOf("bash")}\nnexus() { echo "got:$*:"; }\nnexus memb\tadd --key-f\tx\nexit\n`;
  const terminal = spawn("script", ["-qec", "bash --norc --noprofile -i", "/dev/null"], {
    env: { ...process.env, TERM: "dumb", INPUTRC: "/dev/null" },
  });
  let shown = "";
  terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
  });
  terminal.stdin.write(typed);
  await once(terminal, "exit");
  expect(shown).toContain("got:member add --key-file x:");
});

test.runIf(has("zsh"))("zsh offers the same", () => {
  const script = `compdef() { }; _describe() { print -l -- \${(P)2} }; source $0; words=(nexus "$@"); CURRENT=$(($# + 1)); _nexus`;
  const zsh = (...words: string[]) =>
    execFileSync("zsh", ["-fc", script, fileOf("zsh"), ...words], { encoding: "utf8" });
  expect(zsh("member", "")).toContain("add:Make a key a member.\n");
  expect(zsh("--relay", "member", "req", "")).toContain("--since:");
});

test.runIf(has("fish"))("fish offers the same", () => {
  const fish = (line: string) =>
    execFileSync("fish", ["--no-config", "-c", `source ${fileOf("fish")}; complete -C ${JSON.stringify(line)}`], {
      encoding: "utf8",
    });
  expect(fish("nexus memb")).toBe("member\tAdd, remove and list members.\n");
  expect(fish("nexus member ")).toContain("add\tMake a key a member.\n");
  expect(fish("nexus --relay member req --si")).toContain("--since\t");
});
