import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MUTATIONS } from "./mutations.ts";

describe("mutations", () => {
  it.each(MUTATIONS)("finds in the sources what it changes: $name", ({ file, edits }) => {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    for (const [from] of edits) expect(source.split(from).length - 1, from).toBe(1);
  });
});
