import { nip44, SimplePool } from "nostr-tools";
import { nsecEncode } from "nostr-tools/nip19";
import { type EventTemplate, finalizeEvent } from "nostr-tools/pure";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { alice, bob, type Key } from "../support/keys.ts";
import { startServer } from "../support/server.ts";
import { storeSetting } from "../support/stored-setting.ts";
import { expectAccessible, inBrowser, pages } from "./browser.ts";

const BUNKER_KIND = 24133;

/** A remote signer (NIP-46) that signs with one key whatever it is asked to. Returns its address. */
function playBunker(relay: string, by: Key): { address: string; end: () => void } {
  const pool = new SimplePool();
  const answer = (client: string, request: string): string => {
    const conversation = nip44.getConversationKey(by.secret, client);
    const { id, method, params } = JSON.parse(nip44.decrypt(request, conversation)) as {
      id: string;
      method: string;
      params: string[];
    };
    const results: Record<string, () => string> = {
      connect: () => "ack",
      get_public_key: () => by.pubkey,
      sign_event: () => JSON.stringify(finalizeEvent(JSON.parse(params[0]) as EventTemplate, by.secret)),
    };
    const result = results[method]?.() ?? "";
    return nip44.encrypt(
      JSON.stringify({ id, result, ...(result === "" && { error: "no such method" }) }),
      conversation,
    );
  };
  const since = Math.floor(Date.now() / 1000) - 10;
  pool.subscribe(
    [relay],
    { kinds: [BUNKER_KIND], "#p": [by.pubkey], since },
    {
      onevent({ pubkey, content }) {
        const template = {
          kind: BUNKER_KIND,
          created_at: Math.floor(Date.now() / 1000),
          tags: [["p", pubkey]],
          content: answer(pubkey, content),
        };
        void Promise.all(pool.publish([relay], finalizeEvent(template, by.secret)));
      },
    },
  );
  const address = `bunker://${by.pubkey}?relay=${encodeURIComponent(relay)}`;
  return { address, end: () => pool.close([relay]) };
}

/** Waits until the page is logged in at the relay. */
function connected(page: Page): Promise<void> {
  return page.locator('[data-link="ready"]').waitFor({ state: "attached" });
}

inBrowser("signing in and staying connected", () => {
  const { open, complaints } = pages();

  test("a remote signer signs the login and calls of the management; the sign-in outlives a reload", async () => {
    const server = await startServer({ ADMIN_PUBKEYS: bob.pubkey });
    const signersRelay = await startServer({ AUTH_REQUIRED: "false" }, "node");
    const bunker = playBunker(signersRelay.url, bob);
    const page = await open();
    await page.goto(`${server.httpUrl}/admin`);
    await page.getByText("With a remote signer").click();
    await page.getByLabel("Address of your signer").fill(bunker.address);
    await page.getByRole("button", { name: "Sign in with the signer" }).click();
    await connected(page);
    await page.getByRole("heading", { name: "Who may use the relay" }).waitFor();
    await page.reload();
    await connected(page);
    await page.getByRole("heading", { name: "Who may use the relay" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("Sign in with the key of an operator").waitFor();
    expect(complaints()).toEqual([]);
    bunker.end();
    await Promise.all([server.stop(), signersRelay.stop()]);
  });

  test("a page that loses the relay says so, is connected again when it is back, and shows what the start left out", async () => {
    const server = await startServer({ ADMIN_PUBKEYS: alice.pubkey });
    const page = await open();
    await page.goto(server.httpUrl);
    await page.getByRole("heading", { name: "Connect" }).waitFor();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expectAccessible(page);
    await page.getByLabel("Or enter one that you have").fill(nsecEncode(alice.secret));
    await page.getByRole("button", { name: "Sign in with it" }).click();
    await connected(page);
    await server.kill("SIGKILL");
    await page.getByText("The connection to the relay is lost").waitFor();
    await expectAccessible(page);
    storeSetting(server.dataDirectory, "MAX_LIMIT", "many");
    await server.restart();
    await connected(page);
    await page.getByText("The connection to the relay is lost").waitFor({ state: "detached" });
    await page.goto(`${server.httpUrl}/admin/settings`);
    const setting = page.locator('[data-setting="MAX_LIMIT"]');
    await setting
      .getByText('does not count: MAX_LIMIT must be a whole number of events from 1 to 50000, not "many".')
      .waitFor();
    await expectAccessible(page);
    await setting.getByRole("button", { name: "Change MAX_LIMIT" }).click();
    await setting.getByRole("button", { name: "Undo the change" }).click();
    await setting.getByText("does not count").waitFor({ state: "detached" });
    expect(complaints(/ERR_CONNECTION|ERR_EMPTY|WebSocket connection to/)).toEqual([]);
    await server.stop();
  });
});
