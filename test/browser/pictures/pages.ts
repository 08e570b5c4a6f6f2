import { bytesToHex } from "@noble/hashes/utils.js";
import type { Page } from "playwright-core";
import type { Key } from "../../support/keys.ts";
import type { Stock } from "./stock.ts";

/** One picture of a page of the dashboard. */
export interface Shown {
  /** Of its files. */
  readonly name: string;
  /** Where it is. */
  readonly path: (stock: Stock) => string;
  /** Who looks at it; the operator where it is not said. */
  readonly as?: "nobody";
  /** A text without which it does not show what it should. */
  readonly shows: string;
  /** What somebody does on it before. */
  readonly act?: (page: Page) => Promise<unknown>;
  /** What stands at the top of the picture; the top of the page where it is not said. */
  readonly at?: string;
}

const button = (name: string) => (page: Page) => page.getByRole("button", { name }).click();

/** Every page of a relay that is in use. */
export const PAGES: readonly Shown[] = [
  { name: "home", path: () => "/", as: "nobody", shows: "Who may read" },
  {
    name: "connect",
    path: () => "/",
    as: "nobody",
    shows: "WebSocket, without a library",
    act: (page) => page.getByText("For programmers").click(),
    at: "#connect",
  },
  { name: "sign-in", path: () => "/", as: "nobody", shows: "With a key in this page", act: button("Sign in") },
  { name: "invite", path: ({ code }) => `/invite#${code}`, as: "nobody", shows: "First sign in" },
  // Before invites are made for the pictures.
  { name: "audit", path: () => "/admin/audit", shows: "changed the setting" },
  { name: "members", path: () => "/admin/members", shows: "Translation agent" },
  { name: "invites", path: () => "/admin/members", shows: "used", act: button("Make an invite"), at: "#invites" },
  { name: "jobs", path: () => "/admin/jobs", shows: "Translation agent" },
  { name: "job", path: ({ job }) => `/admin/jobs/${job}`, shows: "The ship arrives at six." },
  { name: "providers", path: () => "/admin/jobs", shows: "Summary agent", at: "#providers" },
  { name: "reports", path: () => "/admin/moderation", shows: "DOUBLE your coins" },
  { name: "bans", path: () => "/admin/moderation", shows: "floods the job market", at: "#banned-keys" },
  {
    name: "settings",
    path: () => "/admin/settings",
    shows: "changed here",
    act: async (page) => {
      await page.getByLabel("Find a setting").fill("tags");
      await page.getByRole("button", { name: "Change MAX_EVENT_TAGS" }).click();
    },
  },
  { name: "export", path: () => "/admin", shows: "Download the events", at: "#who" },
  {
    name: "explore",
    path: () => "/explore?kinds=1,30023",
    shows: "The ferry timetable",
    act: (page) => page.locator("[data-event] summary").first().click(),
  },
];

/** What signs in with a key before a page begins, as one that is loaded again does. */
export function signInScript(by: Key): string {
  const session = JSON.stringify({ kind: "key", key: bytesToHex(by.secret) });
  return `sessionStorage.setItem("nexus-session", ${JSON.stringify(session)})`;
}

/** Opens a page, and waits until all that it shows is there. */
export async function show(page: Page, site: string, shown: Shown, stock?: Stock): Promise<void> {
  await page.goto(`${site}${shown.path(stock as Stock)}`);
  await shown.act?.(page);
  await page.getByText(shown.shows).first().waitFor();
  if (shown.as !== "nobody") await page.locator('[data-link="ready"]').waitFor({ state: "attached" });
  await page.locator("main [aria-busy=true]").first().waitFor({ state: "detached" });
}
