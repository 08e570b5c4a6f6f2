import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, carol, key, now, unique } from "../support/keys.ts";
import { openClient, type Server, startServer } from "../support/server.ts";
import { expectAccessible, inBrowser, pages } from "./browser.ts";

const [dave, erin] = [key(4), key(5)];

/** A client over a socket, logged in. */
async function loggedIn(server: Server, by: typeof alice) {
  const client = await openClient(server.url);
  expect((await client.auth(by, server.url))[2]).toBe(true);
  return client;
}

inBrowser("the pages of an operator", () => {
  const { open, complaints } = pages();
  let server: Server;
  let page: Page;
  const go = (path: string) => page.goto(`${server.httpUrl}${path}`);

  beforeAll(async () => {
    server = await startServer({ ADMIN_PUBKEYS: alice.pubkey, RELAY_SECRET_KEY: "9".repeat(64) });
    page = await open();
    await go("/admin");
    await page.getByLabel("Or enter one that you have").fill(nsecEncode(alice.secret));
    await page.getByRole("button", { name: "Sign in with it" }).click();
    await page.locator('[data-link="ready"]').waitFor({ state: "attached" });
  });
  afterAll(() => server?.stop());

  test("R-05-74 a key that is banned here has its next event refused, and hears nothing any more", async () => {
    const [banned, author] = [await loggedIn(server, bob), await loggedIn(server, carol)];
    await banned.publish(unique(bob));
    expect((await banned.req("live", { kinds: [1], since: now() - 100 })).end[0]).toBe("EOSE");
    // An event that is open leads to the form.
    await go(`/explore?authors=${bob.pubkey}`);
    await page.locator("[data-event] summary").first().click();
    await page.getByRole("button", { name: "Ban the author" }).first().click();
    expect(await page.getByLabel("Key to ban").inputValue()).toBe(npubEncode(bob.pubkey));
    await page.locator("label:has-text('Reason') input:focus").waitFor();
    await page.getByText("1 subscription open on 1 connection").waitFor();
    await page.getByLabel("Reason, for the record").fill("spam");
    await page.getByRole("button", { name: "Ban the key" }).click();
    await page.getByText("1 event of it is hidden now").waitFor();
    await expectAccessible(page);
    expect((await banned.until(([verb, id]) => verb === "CLOSED" && id === "live"))[2]).toMatch(
      /^(blocked|restricted):/,
    );
    const [, , isAccepted, reason] = await banned.publish(unique(bob));
    expect([isAccepted, reason]).toEqual([false, expect.stringMatching(/^blocked: /)]);
    // What others publish does not come, and what it asks is refused.
    expect((await author.publish(unique(carol)))[2]).toBe(true);
    expect((await banned.req("again", { kinds: [1] })).events).toEqual([]);
    await page.getByRole("button", { name: "Lift the ban" }).click();
    await page.getByText("If the key was a member").waitFor();
    expect((await banned.publish(unique(bob)))[2]).toBe(true);
  });

  test("R-05-74 a member is added and taken out here, and what it has published is hidden", async () => {
    const client = await loggedIn(server, erin);
    for (let i = 0; i < 3; i++) await client.publish(unique(erin));
    await go("/admin/members");
    await page.getByLabel("Find or add a member by key").fill(erin.pubkey);
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByRole("button", { name: "Make it a member" }).click();
    await page.locator(`[data-member="${erin.pubkey}"]`).waitFor();
    // The whole key is to be had: by its name, and by a click.
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: `copy ${npubEncode(erin.pubkey)}` }).click();
    await page.getByText("Copied").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(npubEncode(erin.pubkey));
    await page.getByRole("button", { name: /^Ban / }).waitFor();
    expect(await page.locator(`[data-member="${erin.pubkey}"] [data-label="Last seen"]`).textContent()).toBe(
      "connected now",
    );
    await page.getByRole("button", { name: /^Take out/ }).click();
    // What it does is said before.
    await page.getByText("3 events stored here").waitFor();
    await expectAccessible(page);
    await page.getByLabel("is hidden now and erased later").check();
    await page.getByRole("button", { name: "Ban and erase" }).click();
    await page.getByText("3 events of it are hidden now").waitFor();
    await page.locator(`[data-member="${erin.pubkey}"]`).waitFor({ state: "detached" });
    expect((await client.publish(unique(erin)))[3]).toMatch(/^blocked: /);
    await expectAccessible(page);
  });

  test("R-05-79 a limit that is changed here is enforced at once, and the audit list has the difference", async () => {
    const client = await loggedIn(server, carol);
    const long = () =>
      unique(carol, {
        tags: [
          ["t", "a"],
          ["t", "b"],
          ["t", "c"],
        ],
      });
    expect((await client.publish(long()))[2]).toBe(true);
    await go("/admin/settings");
    await page.getByLabel("Find a setting").fill("max event tags");
    await page.getByRole("button", { name: "Change MAX_EVENT_TAGS" }).click();
    const field = page.getByLabel("Value of MAX_EVENT_TAGS");
    // The cursor is in it.
    await page.locator('[data-setting="MAX_EVENT_TAGS"] input:focus').waitFor();
    await field.fill("30000");
    await page.getByRole("button", { name: "Save" }).click();
    // The browser itself refuses what is out of bounds.
    await page.locator("input:out-of-range").waitFor();
    await field.fill("2");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("changed here").waitFor();
    await expectAccessible(page);
    expect((await client.publish(long()))[2]).toBe(false);
    await go("/admin/audit");
    await page.getByText("changed the setting").waitFor();
    expect(await page.locator("del code").textContent()).toBe("12000");
    expect(await page.locator("ins code").textContent()).toBe("2");
    await expectAccessible(page);
    await go("/admin/settings");
    await page.getByRole("button", { name: "Change MAX_EVENT_TAGS" }).click();
    await page.getByRole("button", { name: "Undo the change" }).click();
    await page.getByText("changed here").waitFor({ state: "detached" });
    expect((await client.publish(long()))[2]).toBe(true);
  });

  test("a filter is explored: what is stored, what comes, and nothing that the key may not see", async () => {
    const client = await loggedIn(server, carol);
    const of = (content: string) => unique(carol, { content, tags: [["t", "tide"]] });
    await client.publish(of("low at six"));
    await client.publish(unique(carol, { content: "no tide", tags: [["t", "other"]] }));
    await client.publish(
      unique(carol, {
        kind: 1059,
        content: "a secret",
        tags: [
          ["p", bob.pubkey],
          ["t", "tide"],
        ],
      }),
    );
    await go("/explore");
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel("Tag", { exact: true }).fill("t");
    await page.getByLabel("Values").fill("tide");
    await page.getByRole("button", { name: "Ask the relay" }).click();
    await page.getByText("1 event,").waitFor();
    await client.publish(of("high at noon"));
    await page.getByText("high at noon").waitFor();
    await page.getByText("2 events,").waitFor();
    expect(await page.locator("[data-event]").count()).toBe(2);
    await page.locator("[data-event] summary").first().click();
    await expectAccessible(page);
    // A tag leads to what it names.
    await page.locator("[data-event]").first().getByRole("link", { name: carol.pubkey }).click();
    await page.getByText("no tide").waitFor();
    expect(page.url()).toContain(`authors=${carol.pubkey}`);
  });

  test("R-07-18 the history of a job is read: who asked, who failed, and why", async () => {
    const [customer, provider] = [await loggedIn(server, carol), await loggedIn(server, dave)];
    const request = unique(carol, { kind: 5050, tags: [["i", "the tide table", "text"]] });
    await customer.publish(request);
    const tags = [
      ["e", request.id],
      ["p", carol.pubkey],
      ["status", "error", "no model is loaded"],
    ];
    await provider.publish(unique(dave, { kind: 7000, tags }));
    await go("/admin/jobs");
    await page.getByRole("link", { name: "failed 1" }).click();
    await page.getByRole("heading", { name: "What fails" }).waitFor();
    await page.locator(`[data-job="${request.id}"] a`).waitFor();
    await expectAccessible(page);
    await page.locator(`[data-job="${request.id}"] a`).click();
    await page.getByText("no model is loaded").waitFor();
    expect(await page.locator("[data-step]").count()).toBe(2);
    await expectAccessible(page);
  });

  test("R-08-14 the plots move while events flow, and the events are downloaded", async () => {
    await go("/admin");
    const published = page.getByText(/^published/);
    await published.waitFor();
    const client = await loggedIn(server, carol);
    for (let i = 0; i < 20; i++) await client.publish(unique(carol));
    await page.getByText(/^published [1-9]|^published 0\.[1-9]/).waitFor();
    await page.locator(".plot canvas").first().waitFor();
    // What is downloaded is what is stored, but for private kinds.
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download the events" }).click(),
    ]);
    const lines = gunzipSync(readFileSync(await file.path()))
      .toString()
      .trim()
      .split("\n");
    expect(lines.length).toBeGreaterThan(20);
    const kinds = lines.map((line) => JSON.parse(line).kind as number);
    expect(kinds).toEqual(expect.arrayContaining([1, 5050, 7000]));
    expect(kinds).not.toContain(1059);
    await expectAccessible(page);
    expect(complaints()).toEqual([]);
  });
});
