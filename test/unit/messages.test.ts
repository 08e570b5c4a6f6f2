import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";

// docs/messages.md has every text that somebody sees, and they are alike in form.

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Found {
  to: string;
  text: string;
  code: number | undefined;
}

const { findTexts } = (await import(pathToFileURL(join(ROOT, "cli/texts.mjs")).href)) as { findTexts: () => Found[] };
const texts = findTexts();
const isPrefixed = (text: string) => /^[a-z-]+: /.test(text);
const isForPeople = ({ to, text, code }: Found) =>
  to === "operator" || text.startsWith("Warning: ") || (to === "http" && code !== 200 && !isPrefixed(text));

test("docs/messages.md is what `npm run docs` writes, with what to do about each", () => {
  const written = execFileSync(process.execPath, ["cli/messages.mjs"], { cwd: ROOT, encoding: "utf8" });
  expect(readFileSync(join(ROOT, "docs/messages.md"), "utf8")).toBe(written);
}, 60_000);

test.each(["client", "close", "http", "log", "operator"])("texts are found: %s", (to) => {
  expect(texts.some((found) => found.to === to)).toBe(true);
});

test("texts for machines begin in lower case or with a name, and have no full stop", () => {
  const machine = texts.filter((found) => !isForPeople(found)).map(({ text }) => text);
  const isInForm = (text: string) => /^(?![A-Z][a-z])\S/.test(text.replace(/^[a-z-]+: /, "")) && !/[.!?\s]$/.test(text);
  expect(machine.filter((text) => !isInForm(text))).toEqual([]);
});

test("texts for people begin with a capital letter and end with a full stop", () => {
  const people = texts.filter(isForPeople).map(({ text }) => text);
  // What is put in may stand at the beginning, and a command at the end; `ok` is for machines, too.
  expect(people.filter((text) => text !== "ok" && !/^[A-Z…].*(?:[.?]|: node .*…)$/.test(text))).toEqual([]);
});
