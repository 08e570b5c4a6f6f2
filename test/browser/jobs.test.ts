import { expect, test } from "vitest";
import { alice } from "../support/keys.ts";
import { playMarketplace } from "../support/marketplace.ts";
import { startServer } from "../support/server.ts";
import { expectAccessible, inBrowser, pages, STEP_MS } from "./browser.ts";

/** What the page calls the states. */
const WORDS: Readonly<Record<string, string>> = {
  "not answered": "requested",
  failed: "error",
  "payment asked": "payment-required",
  "in work": "processing",
  "partly done": "partial",
  done: "success",
  cancelled: "cancelled",
  expired: "expired",
};

inBrowser("the page of jobs", () => {
  const { open, complaints } = pages();

  test("R-07-18 shows what a marketplace has counted itself: jobs by state, and what each provider made of them", async () => {
    const server = await startServer({ ADMIN_PUBKEYS: alice.pubkey });
    const tally = await playMarketplace(server.url);
    const page = await open({}, alice);
    await page.goto(`${server.httpUrl}/admin/jobs`);
    await page.getByRole("button", { name: "Sign in with the extension" }).click();
    const tags = page.getByRole("region", { name: "Queue" }).locator(".tag");
    await tags.first().waitFor();
    const shown = (await tags.allTextContents()).map((text) => /^(.*) (\d+)$/.exec(text) ?? []);
    expect(Object.fromEntries(shown.map(([, word = "", number]) => [WORDS[word], Number(number)]))).toEqual(
      tally.states,
    );
    await page.locator("[data-provider]").first().waitFor();
    for (const { pubkey, working, failed, answered } of Object.values(tally.providers)) {
      const cell = (label: string) => page.locator(`[data-provider="${pubkey}"] [data-label="${label}"]`).textContent();
      expect([await cell("Now"), await cell("Done"), await cell("Failed")]).toEqual([
        working > 0 ? `away, ${working} in work` : "away",
        String(answered),
        String(failed),
      ]);
    }
    expect(await page.locator("[data-provider]").count()).toBe(3);
    await expectAccessible(page);
    for (const [, word = "", number] of shown) {
      await page.getByRole("link", { name: `${word} ${number}`, exact: true }).click();
      await expect
        .poll(() => page.locator('[data-job] [data-label="State"]').allTextContents(), { timeout: STEP_MS })
        .toEqual(Array(Number(number)).fill(word));
    }
    expect(complaints()).toEqual([]);
    await server.stop();
  });
});
