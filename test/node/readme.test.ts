import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { VARIABLES } from "../../src/relay/config.ts";
import { ROOT } from "../support/server.ts";

const readme = readFileSync(`${ROOT}/README.md`, "utf8");

describe("README", () => {
  test.each(VARIABLES)("R-06-25 lists %s", (name) => {
    expect(readme).toContain(`\n| \`${name}\` |`);
  });
});
