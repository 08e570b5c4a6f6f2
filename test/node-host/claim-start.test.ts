import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { admin, alice, bob } from "../support/keys.ts";
import { caller } from "../support/manage.ts";
import { type Server, startServer, until } from "../support/server.ts";

/** The link by which somebody becomes the operator, once it is printed. */
async function linkOf(server: Server): Promise<URL> {
  const found = () => /^ {2}(http:\S+\/claim#\S+)$/m.exec(server.output())?.[1];
  await until("the link is printed", () => found() !== undefined);
  return new URL(found() ?? "");
}

async function selfOf(server: Server): Promise<unknown> {
  const response = await fetch(server.httpUrl, { headers: { Accept: "application/nostr+json" } });
  return ((await response.json()) as { self?: string }).self;
}

test("R-05-85 R-05-86 a fresh relay prints a link, once it has an operator none, and keeps its own key", async () => {
  const server = await startServer();
  const first = await linkOf(server);
  expect(first.origin).toBe(server.httpUrl);
  const keyFile = join(server.dataDirectory, "relay.key");
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  const self = await selfOf(server);
  expect(self).toMatch(/^[0-9a-f]{64}$/);
  expect(server.output()).not.toContain((await readFile(keyFile, "utf8")).trim());

  // Each start offers a token of its own; the one before is void.
  await server.restart();
  const second = await linkOf(server);
  const token = second.hash.slice(1);
  expect(token).toMatch(/^[\w-]{32,}$/);
  expect(second.hash).not.toBe(first.hash);
  const as = (by = alice) => caller(fetch, by, server.httpUrl);
  expect(await as(bob)("claim", first.hash.slice(1))).toMatchObject({ result: null });
  expect(await as(alice)("claim", token)).toMatchObject({ result: true });

  await server.restart();
  expect(server.output()).not.toContain("/claim");
  expect((await as(alice)("listadmins")).result).toEqual([expect.objectContaining({ pubkey: alice.pubkey })]);
  expect(await selfOf(server)).toBe(self);
  await server.stop();
});

test("R-05-85 R-05-86 with an operator in the settings there is no link, and no key is made", async () => {
  const server = await startServer({ ADMIN_PUBKEYS: admin.pubkey });
  expect(server.output()).not.toContain("/claim");
  expect(await selfOf(server)).toBeUndefined();
  await expect(stat(join(server.dataDirectory, "relay.key"))).rejects.toThrow("ENOENT");
  await server.stop();
});

test("R-05-85 a token that the operator has set is not printed", async () => {
  const token = "a-token-of-more-than-32-characters";
  const server = await startServer({ CLAIM_TOKEN: token });
  await until("the page is told", () => server.output().includes("/claim#<CLAIM_TOKEN>"));
  expect(server.output()).not.toContain(token);
  expect(await caller(fetch, alice, server.httpUrl)("claim", token)).toMatchObject({ result: true });
  await server.stop();
});
