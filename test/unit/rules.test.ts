import { globSync, readFileSync } from "node:fs";
import { basename, join, matchesGlob } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// Every rule of docs/protocol.md is named by a test, and every test names rules that there are.

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NAME = /\b(?:R-\d\d-\d\d[a-z]?|[TM]-\d\d\d?[a-z]?)\b/g;

const page = readFileSync(join(ROOT, "docs/protocol.md"), "utf8");
const testFiles = globSync("test/**/*.test.ts", { cwd: ROOT });

/** Of each rule and each row of the tables of tests, its line. */
const defined = new Map<string, string>();
for (const line of page.split("\n")) {
  for (const [, name = ""] of line.matchAll(/\*\*(R-\d\d-\d\d[a-z]?)\*\*/g)) defined.set(name, line);
  const [, row = ""] = /^\| ([TM]-\d\d\d?[a-z]?) \|/.exec(line) ?? [];
  if (row !== "") defined.set(row, line);
}

/** What a line of the page must say so that no test has to name its rule. */
const EXEMPT = /\*not implemented|\*not tested/i;

test("every rule is named by a test, unless the page says why not", () => {
  const named = new Set(testFiles.flatMap((path) => readFileSync(join(ROOT, path), "utf8").match(NAME) ?? []));
  const missing = [...defined].filter(([name, line]) => !named.has(name) && !EXEMPT.test(line));
  expect(missing.map(([name]) => name)).toEqual([]);
  expect(defined.size).toBeGreaterThan(300);
});

test("tests name rules that there are", () => {
  const dangling = testFiles.flatMap((path) => {
    const names = readFileSync(join(ROOT, path), "utf8").match(NAME) ?? [];
    return [...new Set(names)].filter((name) => !defined.has(name)).map((name) => `${basename(path)}: ${name}`);
  });
  expect(dangling).toEqual([]);
});

test("the page names test files that there are", () => {
  const files = new Set(testFiles.map((path) => basename(path)));
  const docs = ["protocol", "security", "faults", "limits", "access", "operate"];
  const gone = docs.flatMap((name) => {
    const text = readFileSync(join(ROOT, `docs/${name}.md`), "utf8");
    const told = [...text.matchAll(/([\w-]+\.test\.ts)`/g)].map(([, file = ""]) => file);
    return told.filter((file) => !files.has(file)).map((file) => `${name}.md: ${file}`);
  });
  expect(gone).toEqual([]);
});

/** What the page says under a rule, up to the next one. */
const textOf = (rule: string) => page.split(`**${rule}**`)[1]?.split(/^- \*\*R-/m)[0] ?? "";

test("docs/security.md cites tests that name the rule, or that the rule names", () => {
  const cells = readFileSync(join(ROOT, "docs/security.md"), "utf8").match(/^\|.*\|$/gm) ?? [];
  const cited = cells.flatMap((row) => row.split("|").at(-2)?.split(";") ?? []);
  const wrong = cited.flatMap((text) => {
    const files = [...text.matchAll(/([\w*-]+\.test\.ts)`/g)].map(([, file = ""]) => file);
    const found = testFiles.filter((path) => files.some((file) => matchesGlob(basename(path), file)));
    const body = found.map((path) => readFileSync(join(ROOT, path), "utf8")).join("");
    const rules = files.length === 0 ? [] : (text.match(NAME) ?? []);
    return rules
      .filter((rule) => !body.includes(rule) && !files.some((file) => textOf(rule).includes(file)))
      .map((rule) => `${files.join(", ")}: ${rule}`);
  });
  expect(cited.length).toBeGreaterThan(60);
  expect(wrong).toEqual([]);
});
