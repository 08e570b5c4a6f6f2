import { chromium, type Page } from "playwright-core";
import { SECRET } from "../local.ts";

/** When a page of the dashboard was painted first, and when it had all that it waits for, in milliseconds. */
export interface Shown {
  path: string;
  paintMs: number;
  wholeMs: number;
}

/** The page says that it waits; or that something went wrong. */
const WAITING = '[aria-busy="true"]';
const WRONG = '[role="alert"]';

/** Opens pages of an operator in a Chromium, one after the other, each as one who comes anew, so many times: the better counts. */
export async function showPages(url: string, paths: readonly string[], rounds: number): Promise<Shown[]> {
  const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
    const page = await context.newPage();
    page.on("pageerror", (error) => console.log(`error in the page: ${error}`));
    await page.goto(`${url}/admin`);
    await page.getByLabel("Or enter one that you have").fill(SECRET);
    await page.getByRole("button", { name: "Sign in with it" }).click();
    await page.locator('[data-link="ready"]').waitFor({ state: "attached" });
    const best = new Map<string, Shown>();
    for (let round = 0; round < rounds; round++) {
      for (const path of paths) {
        const shown = await show(page, url, path);
        const known = best.get(path);
        best.set(path, {
          path,
          paintMs: Math.min(shown.paintMs, known?.paintMs ?? Number.POSITIVE_INFINITY),
          wholeMs: Math.min(shown.wholeMs, known?.wholeMs ?? Number.POSITIVE_INFINITY),
        });
      }
    }
    return [...best.values()];
  } finally {
    await browser.close();
  }
}

async function show(page: Page, url: string, path: string): Promise<Shown> {
  await page.goto("about:blank");
  const begunMs = performance.now();
  await page.goto(`${url}${path}`, { waitUntil: "commit" });
  await page.locator("main h1").first().waitFor();
  // "Measuring" needs two samples, some seconds apart.
  await page.waitForFunction(
    ([waiting]) =>
      [...document.querySelectorAll(waiting as string)].every((one) => one.textContent?.startsWith("Measuring")),
    [WAITING],
  );
  const wholeMs = performance.now() - begunMs;
  for (const note of await page.locator(WRONG).allTextContents()) console.log(`${path} says: ${note}`);
  const paintMs = await page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
  );
  return { path, paintMs, wholeMs };
}
