import { existsSync } from "node:fs";

/** Where a Chromium is found that nobody has named. */
const USUAL = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The program of Chromium: `CHROMIUM_PATH`, or where systems have it; undefined where there is none. */
export const chromiumPath = process.env.CHROMIUM_PATH || USUAL.find((path) => existsSync(path));
