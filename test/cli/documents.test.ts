import { globSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ROOT } from "../support/server.ts";
import { commandsOf, Reader } from "./reader.ts";

// Every command of the documents, in their order, as somebody runs them who has a fresh checkout and nothing else.

/** Pages whose commands are for developers: they run the tests themselves, or take long. */
const FOR_DEVELOPERS = new Set(["docs/faults.md"]);

const pages = ["README.md", ...globSync("docs/*.md", { cwd: ROOT }).sort()].filter(
  (page) => !FOR_DEVELOPERS.has(page) && commandsOf(page).length > 0,
);

describe.each(pages)("%s", (page) => {
  test("its commands do what they are there for", { timeout: 120_000 }, async () => {
    const commands = commandsOf(page);
    // What a page takes for granted.
    const starts = commands.some((line) => /\b(nexus|npm) start\b/.test(line));
    const reader = new Reader();
    try {
      await reader.open(commands);
      for (const line of starts ? commands : ["npx nexus init --yes", "npx nexus start", ...commands])
        await reader.run(line);
    } finally {
      await reader.close();
    }
  });
});

test("from nothing to a relay for two people and three agents: below ten commands", async () => {
  const commands = commandsOf("docs/first-relay.md");
  expect(commands.length).toBeLessThan(10);
});
