import { expect, test } from "vitest";
import { alice, bob } from "../support/keys.ts";
import { caller } from "../support/manage.ts";
import { type Server, startServer, until } from "../support/server.ts";
import { expectAccessible, inBrowser, pages } from "./browser.ts";

/** The link that the relay prints for its first operator. */
async function linkOf(server: Server): Promise<string> {
  const found = () => /^ {2}(http:\S+\/claim#\S+)$/m.exec(server.output())?.[1];
  await until("the link is printed", () => found() !== undefined);
  return found() ?? "";
}

inBrowser("the first minute of a relay", () => {
  const { open, complaints } = pages();

  test("R-05-85 claim it with an extension, let only members in, invite somebody, who joins with a fresh key", async () => {
    const server = await startServer();
    const operator = await open({}, alice);
    await operator.goto(await linkOf(server));
    await operator.getByRole("button", { name: "Sign in with the extension" }).click();
    await operator.getByRole("button", { name: "Become the operator" }).click();
    await operator.getByRole("heading", { name: "The relay is yours" }).waitFor();
    await operator.getByRole("button", { name: "Let only members in" }).click();
    await operator.getByText("Only members and admins may read and publish").waitFor();
    await operator.getByRole("button", { name: "Make an invite" }).click();
    const invite = (await operator.locator(".invite .copy-box code").textContent()) ?? "";
    // No server sees what stands behind #.
    expect(invite).toMatch(/\/invite#[0-9a-f]{32}$/);
    await operator.getByText("This link opens on this machine only").waitFor();
    await expectAccessible(operator);

    const guest = await open({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
    await guest.goto(invite);
    await guest.getByRole("button", { name: "Make a new key" }).click();
    await expectAccessible(guest);
    await guest.getByLabel("I have saved the key").check();
    await guest.getByRole("button", { name: "Sign in with this key" }).click();
    await guest.getByRole("button", { name: "Join", exact: true }).click();
    await guest.getByRole("heading", { name: /^Welcome to / }).waitFor();
    await expectAccessible(guest);
    // What a page has shown to a key goes when that signs out.
    await guest.getByRole("button", { name: "Sign out" }).click();
    await guest.getByRole("heading", { name: /^Join / }).waitFor();
    await operator.getByRole("button", { name: "Sign out" }).click();
    await operator.locator(".invite").waitFor({ state: "detached" });

    const call = caller(fetch, alice, server.httpUrl);
    expect((await call("listmembers")).result).toEqual([expect.objectContaining({ inviter: alice.pubkey })]);
    // Another who opens the invite is told what to do; the forms of old are opened too.
    const second = await open({}, bob);
    for (const link of [invite.replace("#", "/"), invite.replace("invite#", "#claim="), invite]) {
      await second.goto("about:blank");
      await second.goto(link);
      if (link.includes("invite/")) await second.getByRole("button", { name: "Sign in with the extension" }).click();
      await second.getByRole("button", { name: "Join", exact: true }).click();
      await second.getByText("Ask whoever sent you the link for a new one").waitFor();
    }

    // The link is used up, and says so.
    const late = await open();
    await late.goto(await linkOf(server));
    await late.getByRole("button", { name: "Make a new key" }).click();
    await late.getByLabel("I have saved the key").check();
    await late.getByRole("button", { name: "Sign in with this key" }).click();
    await late.getByRole("button", { name: "Become the operator" }).click();
    await late.getByText("This link is no longer good").waitFor();
    expect(complaints(/the server responded with a status of 403/)).toEqual([]);
    await server.stop();
  });
});
