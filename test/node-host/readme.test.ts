import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LOCAL_VARIABLES, VARIABLES } from "../../src/relay/config/config.ts";
import { ROOT } from "../support/server.ts";

const readme = readFileSync(`${ROOT}/README.md`, "utf8");

test.each(Object.keys({ ...LOCAL_VARIABLES, ...VARIABLES }))("R-06-25 README lists %s once", (name) => {
  expect(readme.split(`\n| \`${name}\` |`)).toHaveLength(2);
});

test("README's tables are what `npm run docs` writes", () => {
  const written = execFileSync(process.execPath, ["cli/readme.mjs"], { cwd: ROOT, encoding: "utf8" });
  expect(readme).toBe(written);
});

test("documents show the examples as they are, and docs/connect.md all of its own", () => {
  const changed = execFileSync(process.execPath, ["cli/snippets.mjs"], { cwd: ROOT, encoding: "utf8" });
  expect(changed).toBe("");
  const page = readFileSync(`${ROOT}/docs/connect.md`, "utf8");
  for (const file of globSync("examples/connect/*", { cwd: ROOT }))
    expect(page).toContain(readFileSync(`${ROOT}/${file}`, "utf8"));
});
