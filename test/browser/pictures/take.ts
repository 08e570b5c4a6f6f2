// Takes the pictures of docs/dashboard.md again: npm run pictures
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { playMarketplace } from "../../support/marketplace.ts";
import { freePort, startServer } from "../../support/server.ts";
import { chromiumPath } from "../chromium.ts";
import { PAGES, type Shown, show, signInScript } from "./pages.ts";
import { calling, fill, mara, type Stock } from "./stock.ts";

/** Where clients and readers believe the relay to be. */
const NAME = "wss://relay.example.com";
const SITE = NAME.replace("ws", "http");
const CLAIM_TOKEN = "c0ffee".repeat(8);

const IMAGES = fileURLToPath(new URL("../../../docs/images/", import.meta.url));
/** Whole pages, to be looked at. */
const WHOLE = fileURLToPath(new URL("../../../.cache/pictures/", import.meta.url));

/** Bytes of a picture at most; the quality with which one is tried, and the least. */
const MAX_BYTES = 25_000;
const QUALITY = { first: 70, least: 20, step: 5 };

/** How long the marketplace trades, and how long of that a page draws plots of it, in seconds. */
const TRADE_SECONDS = 50;
const PLOT_SECONDS = 28;

const MODES = (["light", "dark"] as const).flatMap((scheme) => [
  { suffix: `${scheme}-desktop`, scheme, viewport: { width: 1280, height: 800 } },
  { suffix: `${scheme}-phone`, scheme, viewport: { width: 390, height: 844 } },
]);

type Mode = (typeof MODES)[number];

/** A window in one mode that finds the relay by its public name. */
async function openWindow(browser: Browser, httpUrl: string, mode: Mode, as?: Shown["as"]): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: mode.viewport,
    colorScheme: mode.scheme,
    locale: "en-GB",
    timezoneId: "Europe/Lisbon",
    reducedMotion: "reduce",
  });
  await context.route(`${SITE}/**`, async (route) => {
    const response = await route.fetch({ url: route.request().url().replace(SITE, httpUrl) });
    await route.fulfill({ response });
  });
  await context.routeWebSocket(`${NAME}/**`, (page) => {
    const relay = new WebSocket(httpUrl.replace("http", "ws"));
    const waiting: (string | Buffer)[] = [];
    relay.addEventListener("open", () => {
      for (const frame of waiting.splice(0)) relay.send(frame);
    });
    relay.addEventListener("message", ({ data }) => page.send(data));
    relay.addEventListener("close", () => page.close());
    page.onMessage((frame) => (relay.readyState === WebSocket.OPEN ? relay.send(frame) : waiting.push(frame)));
    page.onClose(() => relay.close());
  });
  if (as !== "nobody") await context.addInitScript(signInScript(mara));
  return context;
}

/** Writes the picture of what the window shows, and the whole page for whoever looks. */
async function write(page: Page, name: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  for (let quality = QUALITY.first; ; quality -= QUALITY.step) {
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality });
    const bytes = Buffer.from(data, "base64");
    if (bytes.length > MAX_BYTES && quality > QUALITY.least) continue;
    writeFileSync(`${IMAGES}${name}.webp`, bytes);
    console.log(`${name}  ${bytes.length} bytes, quality ${quality}`);
    break;
  }
  await page.screenshot({ path: `${WHOLE}${name}.png`, fullPage: true });
}

/** Opens a page in one mode, and takes its picture when all that it shows is there. */
async function take(browser: Browser, httpUrl: string, mode: Mode, shown: Shown, stock?: Stock): Promise<void> {
  const context = await openWindow(browser, httpUrl, mode, shown.as);
  const page = await context.newPage();
  await show(page, SITE, shown, stock);
  // Names come a moment after the keys.
  await page.waitForLoadState("networkidle");
  await page.evaluate("window.scrollTo(0, 0)");
  if (shown.at !== undefined) {
    await page.evaluate(`document.querySelector("${shown.at}").scrollIntoView({ block: "start" })`);
    await page.evaluate("window.scrollBy(0, -16)");
  }
  await write(page, `${shown.name}-${mode.suffix}`);
  await context.close();
}

if (chromiumPath === undefined) throw new Error("There is no Chromium. Install one, or set CHROMIUM_PATH.");
for (const directory of [IMAGES, WHOLE]) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
}
const port = await freePort();
const server = await startServer(
  {
    PORT: String(port),
    CLAIM_TOKEN,
    RELAY_URL: NAME,
    RELAY_URL_ALIASES: `ws://localhost:${port}`,
    RELAY_NAME: "Harbour",
    RELAY_DESCRIPTION: "A relay for the people of the harbour and the agents that work for them.",
    RELAY_CONTACT: "mailto:mara@example.com",
    RELAY_TERMS_OF_SERVICE: "https://example.com/terms",
  },
  "node",
);
const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: ["--no-sandbox", "--hide-scrollbars", "--lang=en-GB"],
});
try {
  const takeAll = async (shown: Shown, stock?: Stock) => {
    for (const mode of MODES) await take(browser, server.httpUrl, mode, shown, stock);
  };
  await takeAll({ name: "claim", path: () => `/claim#${CLAIM_TOKEN}`, as: "nobody", shows: "becomes its operator" });
  await calling(server.httpUrl)("claim", CLAIM_TOKEN);
  await takeAll({ name: "first-steps", path: () => "/claim", shows: "Invite somebody" });
  const stock = await fill(server.url, NAME);
  // The plots of all modes are drawn at once.
  const overview = {
    name: "overview",
    path: () => "/admin",
    shows: "delivered",
    act: () => sleep(1000 * PLOT_SECONDS),
  };
  await Promise.all([
    playMarketplace(server.url, TRADE_SECONDS),
    stock.read(TRADE_SECONDS),
    ...MODES.map((mode) => take(browser, server.httpUrl, mode, overview)),
  ]);
  for (const shown of PAGES) await takeAll(shown, stock);
  stock.leave();
} finally {
  await browser.close();
  await server.stop();
}
const files = readdirSync(IMAGES);
console.log(`${files.length} pictures, ${files.reduce((sum, file) => sum + statSync(IMAGES + file).size, 0)} bytes`);
