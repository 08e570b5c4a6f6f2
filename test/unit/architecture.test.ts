import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { COST } from "../../src/protocol/work.ts";

// What docs/architecture.md says of the code, checked against the code; and the shape that it promises.

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAX_LINES = 300;
const MAX_FILES = 20;
/** Of a way, from socket to socket. */
const MAX_FUNCTIONS = 8;
const MAX_WAY_FILES = 6;

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const architecture = read("docs/architecture.md");
const sources = globSync("src/**/*.{ts,mjs}", { cwd: ROOT });
const core = sources.filter((path) => /^src\/(protocol|store|relay)\//.test(path));
const pages = ["README.md", "bench/README.md", "wasm/README.md", ...globSync("docs/**/*.md", { cwd: ROOT })];

/** The cells of a table that stands behind a marker, without its head. */
function tableOf(marker: string): string[][] {
  const [, behind] = architecture.split(`<!-- ${marker} -->`);
  const rows =
    behind
      ?.split("<!-- end -->")[0]
      ?.split("\n")
      .filter((line) => line.startsWith("|")) ?? [];
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

/** Where a function, a method, a getter or a policy of this name begins. */
function definitionOf(name: string): RegExp {
  return new RegExp(`^(export )?\\s*(function\\*? |get )?${name}\\(|^export const ${name}\\b`, "m");
}

describe.each(["EVENT", "REQ"])("the way of %s", (verb) => {
  const way = tableOf(`way: ${verb}`);

  test("has few functions in few files", () => {
    expect(way.length).toBeGreaterThan(4);
    expect(way.length).toBeLessThanOrEqual(MAX_FUNCTIONS);
    expect(new Set(way.map(([, file]) => file)).size).toBeLessThanOrEqual(MAX_WAY_FILES);
  });

  test.each(way)("%s is in %s and is called in %s", (name = "", file = "", caller = "") => {
    const [owner, member] = name.includes(".") ? name.split(".") : [undefined, name];
    const code = read(file);
    if (owner !== undefined) expect(code).toMatch(new RegExp(`class ${owner}\\b`));
    expect(code).toMatch(definitionOf(member ?? ""));
    expect(withoutComments(read(caller))).toMatch(new RegExp(`[\\s.(]#?${member?.replace("#", "")}\\(`));
  });
});

test.each(tableOf("where").map(([question = "", functions = "", files = ""]) => [question, functions, files]))(
  "%s is decided where the page says",
  (_question, functions, files) => {
    const code = files.split(", ").map(read).join("\n");
    const names = functions.match(/\b[a-zA-Z]+\.#?\w+|\b(?:[a-z]+[A-Z]\w*|supersedes|request|room)\b/g) ?? [];
    expect(names).not.toEqual([]);
    for (const name of names) expect(code).toMatch(definitionOf(name.split(".").at(-1) ?? ""));
  },
);

test("the costs of the page are those of the meter", () => {
  const told = Object.fromEntries(tableOf("costs").map(([name, units]) => [name, Number(units)]));
  expect(told).toEqual(COST);
});

test("no file of src or dashboard is long, and no folder full", () => {
  const written = sources.concat(globSync("dashboard/**/*.{ts,tsx}", { cwd: ROOT }));
  const lines = Object.fromEntries(written.map((path) => [path, read(path).trimEnd().split("\n").length]));
  expect(Object.entries(lines).filter(([, count]) => count > MAX_LINES)).toEqual([]);
  const folders = Object.groupBy(globSync("{src,dashboard}/**/*", { cwd: ROOT }).filter(isFile), (path) =>
    dirname(path),
  );
  expect(Object.entries(folders).filter(([, files]) => (files?.length ?? 0) > MAX_FILES)).toEqual([]);
});

test("every folder of src has a line under Rooms", () => {
  const folders = new Set(sources.map((path) => dirname(path)));
  const [, rooms = ""] = architecture.split("\n## Rooms\n");
  expect([...folders].filter((folder) => !rooms.includes(`\`${folder}\``))).toEqual([]);
});

test.each(core)("%s never waits", (path) => {
  expect(withoutComments(read(path))).not.toMatch(/\b(async|await|Promise)\b/);
});

describe.each(pages)("%s", (page) => {
  const text = read(page);

  test("links to what is there", () => {
    const links = [...text.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, target = ""]) => target);
    expect(links.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
  });

  test("names files and scripts that are there", () => {
    const named = [...text.matchAll(/`([\w./-]+\.(?:ts|mjs|grit|toml|wasm))`/g)].map(([, path = ""]) => path);
    expect(named.filter((path) => !isNamed(path))).toEqual([]);
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const run = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = ""]) => name);
    expect(run.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

const ALL_FILES = globSync("{src,test,cli,dashboard,bench,lint,examples,deploy}/**/*", { cwd: ROOT }).concat([
  "wrangler.toml",
]);

/** A path from the root, or the end of one. */
function isNamed(path: string): boolean {
  return ALL_FILES.some((file) => file === normalize(path) || file.endsWith(`/${path}`));
}

function isFile(path: string): boolean {
  return statSync(join(ROOT, path)).isFile();
}
