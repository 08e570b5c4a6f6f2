import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LOCAL_VARIABLES, VARIABLES } from "../../src/relay/config/config.ts";
import { ROOT } from "../support/server.ts";

const page = readFileSync(`${ROOT}/docs/configure.md`, "utf8");

test.each(Object.keys({ ...LOCAL_VARIABLES, ...VARIABLES }))("R-06-25 docs/configure.md lists %s once", (name) => {
  expect(page.split(new RegExp(`\\n\\| \`${name}\`(?: \\*)? \\|`))).toHaveLength(2);
});

test("the tables of docs/configure.md are what `npm run docs` writes", () => {
  const written = execFileSync(process.execPath, ["cli/configure.mjs"], { cwd: ROOT, encoding: "utf8" });
  expect(page).toBe(written);
});

test("documents show the examples as they are, and docs/connect.md all of its own", () => {
  const changed = execFileSync(process.execPath, ["cli/snippets.mjs"], { cwd: ROOT, encoding: "utf8" });
  expect(changed).toBe("");
  const page = readFileSync(`${ROOT}/docs/connect.md`, "utf8");
  for (const file of globSync("examples/connect/*", { cwd: ROOT }))
    expect(page).toContain(readFileSync(`${ROOT}/${file}`, "utf8"));
});
