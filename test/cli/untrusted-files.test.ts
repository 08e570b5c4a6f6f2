import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { backUpRunning } from "../../cli/data/backup.ts";
import type { Channel } from "../../cli/data/channel.ts";
import { FileOutput } from "../../cli/data/output.ts";

const directory = mkdtempSync(join(tmpdir(), "nexus-files-"));
const path = (name: string) => join(directory, name);

afterAll(() => rmSync(directory, { recursive: true }));

/** A relay that says it has made this file. */
function relayThatMade(file: string): Channel {
  const answers: Record<string, unknown> = { makebackup: { file, is_kept: false }, getbackup: { state: "made" } };
  return { name: "wss://relay.example.com/", call: async <T>(method: string) => answers[method] as T, close() {} };
}

test.each([
  ["mine.txt", /names a file that is no backup/],
  ["nexus-20260131T020000Z.sqlite", /^the backup is no good: ./],
])("a relay that names %s makes the command neither move nor remove it", async (name, reason) => {
  writeFileSync(path(name), "of somebody else, and long enough to be looked at as a database".repeat(20));
  await expect(backUpRunning(relayThatMade(path(name)), path("backup.sqlite"))).rejects.toThrow(reason);
  expect(readFileSync(path(name), "utf8")).toMatch(/^of somebody else/);
  for (const left of ["backup.sqlite", "backup.sqlite.part"])
    expect([left, existsSync(path(left))]).toEqual([left, false]);
});

test("what is written is its owner's alone, whatever was left under its name, and no link is followed", async () => {
  writeFileSync(path("open.jsonl.part"), "old");
  chmodSync(path("open.jsonl.part"), 0o644);
  writeFileSync(path("aim"), "kept");
  symlinkSync(path("aim"), path("link.jsonl.part"));
  for (const name of ["open.jsonl", "link.jsonl"]) {
    const output = new FileOutput(path(name));
    await output.write("{}\n");
    output.finish();
    expect([name, statSync(path(name)).mode & 0o777, readFileSync(path(name), "utf8")]).toEqual([name, 0o600, "{}\n"]);
  }
  expect(readFileSync(path("aim"), "utf8")).toBe("kept");
});

test("what goes on goes on in no link, and becomes its owner's alone", () => {
  writeFileSync(path("more.jsonl.part"), "{}\n");
  chmodSync(path("more.jsonl.part"), 0o644);
  new FileOutput(path("more.jsonl"), 3).finish();
  expect(statSync(path("more.jsonl")).mode & 0o777).toBe(0o600);
  symlinkSync(path("aim"), path("again.jsonl.part"));
  expect(() => new FileOutput(path("again.jsonl"), 3)).toThrow(/cannot be written/);
});
