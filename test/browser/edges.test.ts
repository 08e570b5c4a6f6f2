import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, carol, key, now, unique } from "../support/keys.ts";
import { openClient, type Server, startServer } from "../support/server.ts";
import { inBrowser, pages } from "./browser.ts";

const dave = key(4);

/** Events that the relay gives at a time. */
const MOST = 10;

inBrowser("the pages at their edges", () => {
  const { open } = pages();
  let server: Server;
  let page: Page;

  beforeAll(async () => {
    server = await startServer({
      ADMIN_PUBKEYS: alice.pubkey,
      RELAY_SECRET_KEY: "9".repeat(64),
      READ_ACCESS: "members",
      WRITE_ACCESS: "authenticated",
      MAX_LIMIT: String(MOST),
      DEFAULT_LIMIT: String(MOST),
    });
  });
  afterAll(() => server?.stop());

  async function signIn(by: typeof alice) {
    await page.getByLabel("Or enter one that you have").fill(nsecEncode(by.secret));
    await page.getByRole("button", { name: "Sign in with it" }).click();
    await page.locator('[data-link="ready"]').waitFor({ state: "attached" });
  }

  test("a name that one key may not see is asked for again under the next key", async () => {
    const client = await openClient(server.url);
    await client.auth(carol, server.url);
    const name = unique(carol, { kind: 0, content: JSON.stringify({ name: "Carol of the tide" }) });
    expect((await client.publish(name))[2]).toBe(true);
    page = await open();
    const isAsked = page
      .waitForEvent("websocket")
      .then((socket) => socket.waitForEvent("framesent", (frame) => String(frame.payload).includes('"kinds":[0]')));
    await page.goto(`${server.httpUrl}/admin`);
    await signIn(carol);
    await isAsked;
    await page.getByRole("button", { name: "Sign out" }).click();
    await signIn(alice);
    await page.getByRole("link", { name: "Members" }).click();
    await page.getByLabel("Find or add a member by key").fill(npubEncode(carol.pubkey));
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByText("Carol of the tide").waitFor();
  });

  test("what a key has is not told of another one that is still asked for", async () => {
    await page.getByRole("link", { name: "Moderation" }).click();
    const field = page.getByLabel("Key to ban");
    await field.fill(npubEncode(carol.pubkey));
    await page.getByText("1 event stored here").waitFor();
    await page.route("**/*", (route) =>
      route.request().postData()?.includes(dave.pubkey) ? undefined : route.continue(),
    );
    await field.fill(npubEncode(dave.pubkey));
    await page.getByText("Counting what it has here").waitFor();
    expect(await page.getByText("1 event stored here").count()).toBe(0);
    await page.unrouteAll();
  });

  test("the keyboard stays in a field that narrows a list", async () => {
    await page.getByRole("link", { name: "Jobs" }).click();
    const state = page.getByLabel("State");
    await state.focus();
    await state.selectOption("success");
    await page.waitForURL(/state=success/);
    expect(await page.evaluate("document.activeElement.tagName")).toBe("SELECT");
  });

  test("older events are found where many are of one second, and where the relay gives fewer than were asked for", async () => {
    const client = await openClient(server.url);
    await client.auth(bob, server.url);
    const second = now() - 100;
    const all = [
      ...Array.from({ length: 8 }, () => unique(bob, { created_at: second, tags: [["t", "burst"]] })),
      unique(bob, { created_at: second - 1, tags: [["t", "burst"]] }),
      ...Array.from({ length: MOST + 2 }, (_, i) => unique(bob, { created_at: second - i, tags: [["t", "row"]] })),
    ];
    for (const event of all) expect((await client.publish(event))[2]).toBe(true);
    const older = page.getByRole("button", { name: "Show older ones" });
    await page.goto(`${server.httpUrl}/explore?%23t=burst&limit=5`);
    for (const text of ["5 events,", "8 events,", "9 events,"]) {
      if (text !== "5 events,") await older.click();
      await page.getByText(text).waitFor();
    }
    // Fields of the same letter are one.
    await page.goto(`${server.httpUrl}/explore?%23t=burst&%23t=row`);
    await page.getByText('"#t":["burst","row"]').waitFor({ state: "attached" });
    await page.goto(`${server.httpUrl}/explore?%23t=row`);
    await page.getByText(`${MOST} events,`).waitFor();
    await older.click();
    await page.getByText(`${MOST + 2} events,`).waitFor();
  });

  test("a signer that answers late takes nobody's place", async () => {
    page = await open({}, bob);
    await page.goto(`${server.httpUrl}/admin`);
    let answer = (_: string) => {};
    await page.exposeFunction(
      "keyOfExtension",
      () =>
        new Promise<string>((resolve) => {
          answer = resolve;
        }),
    );
    await page.evaluate("window.nostr.getPublicKey = window.keyOfExtension");
    await page.getByRole("button", { name: "Sign in with the extension" }).click();
    await page.getByText("With a key in this page").click();
    await signIn(alice);
    answer(bob.pubkey);
    await page.evaluate("new Promise((resolve) => setTimeout(resolve))");
    const stored = JSON.parse(String(await page.evaluate("sessionStorage.getItem('nexus-session')"))) as {
      kind: string;
    };
    expect(stored.kind).toBe("key");
  });
});
