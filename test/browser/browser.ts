import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { EventTemplate } from "nostr-tools/pure";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, describe, expect } from "vitest";
import { type Key, signed } from "../support/keys.ts";
import { chromiumPath } from "./chromium.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** How long the page may take for one step, in milliseconds: the machine may be busy with other tests. */
export const STEP_MS = 30_000;

if (chromiumPath === undefined) {
  console.warn("The tests of the dashboard are skipped: there is no Chromium. Install one, or set CHROMIUM_PATH.");
}

/** Tests that need a browser; skipped where there is none. */
export const inBrowser = describe.skipIf(chromiumPath === undefined);

/** Opens pages, each in a context of its own as in another browser. They end with the file. */
export function pages() {
  let starting: Promise<Browser> | undefined;
  const complaints: string[] = [];
  afterAll(async () => (await starting)?.close());
  return {
    /** Opens a page. With `extension` it has one that signs with this key (NIP-07). */
    async open(options: BrowserContextOptions = {}, extension?: Key): Promise<Page> {
      starting ??= chromium.launch({ executablePath: chromiumPath as string, args: ["--no-sandbox"] });
      const context = await (await starting).newContext({ viewport: { width: 1200, height: 900 }, ...options });
      context.setDefaultTimeout(STEP_MS);
      if (extension !== undefined) {
        await context.exposeFunction("signInTest", (template: EventTemplate) => signed(extension, template));
        await context.addInitScript(`window.nostr = {
          getPublicKey: async () => "${extension.pubkey}",
          signEvent: (template) => window.signInTest(template),
        };`);
      }
      const page = await context.newPage();
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      return page;
    },
    /** What the browser complained about since it was asked last, but for what `isExpected`. */
    complaints(isExpected = /^$/): string[] {
      return complaints.splice(0).filter((text) => !isExpected.test(text));
    },
  };
}

/** Expects that axe has no serious finding on the page as it is. */
export async function expectAccessible(page: Page): Promise<void> {
  // What moves is not judged in the middle.
  await page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))");
  // Not as a script of the page, which its policy forbids.
  await page.evaluate(AXE);
  const found = (await page.evaluate("axe.run()")) as {
    violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
  };
  const serious = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(
    serious.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]),
  ).toEqual([]);
}
