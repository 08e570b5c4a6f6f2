import { expect, inject, test } from "vitest";
import { startServer } from "../support/server.ts";
import { expectAccessible, inBrowser, pages } from "./browser.ts";
import { PAGES, show, signInScript } from "./pictures/pages.ts";
import { fill, mara } from "./pictures/stock.ts";

/** As wide as a phone. */
const WIDTH = 390;

inBrowser("every page on a phone, dark", () => {
  const { open, complaints } = pages();

  // Both hosts serve the same pages.
  test.skipIf(inject("host") === "workers")(
    "shows what it should, is no wider than the phone, and can be read",
    async () => {
      const server = await startServer({ ADMIN_PUBKEYS: mara.pubkey, RELAY_SECRET_KEY: "9".repeat(64) });
      const stock = await fill(server.url, server.url);
      const phone = () =>
        open({ viewport: { width: WIDTH, height: 844 }, colorScheme: "dark", reducedMotion: "reduce" });
      const [guest, operator] = [await phone(), await phone()];
      await operator.context().addInitScript(signInScript(mara));
      for (const shown of PAGES) {
        const page = shown.as === "nobody" ? guest : operator;
        await show(page, server.httpUrl, shown, stock);
        expect([shown.name, await page.evaluate("document.documentElement.scrollWidth")]).toEqual([shown.name, WIDTH]);
        await expectAccessible(page);
      }
      stock.leave();
      expect(complaints()).toEqual([]);
      await server.stop();
    },
  );
});
