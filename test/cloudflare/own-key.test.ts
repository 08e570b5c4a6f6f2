import { expect, test } from "vitest";
import { admin } from "../support/keys.ts";
import { freshRelay } from "../support/relay.ts";

const CLAIM_TOKEN = "a-token-of-more-than-32-characters";

async function selfOf(relay: ReturnType<typeof freshRelay>): Promise<unknown> {
  const response = await relay.fetch("/", { headers: { Accept: "application/nostr+json" } });
  return ((await response.json()) as { self?: string }).self;
}

test("R-05-86 a fresh object that can be claimed makes a key of its own, and keeps it", async () => {
  const relay = freshRelay({ ADMIN_PUBKEYS: "", CLAIM_TOKEN });
  const self = await selfOf(relay);
  expect(self).toMatch(/^[0-9a-f]{64}$/);
  await relay.restart();
  expect(await selfOf(relay)).toBe(self);
  await relay.restart({ ADMIN_PUBKEYS: admin.pubkey });
  expect(await selfOf(relay)).toBe(self);
  await relay.restart({ ADMIN_PUBKEYS: admin.pubkey, RELAY_SECRET_KEY: "1".repeat(64) });
  expect(await selfOf(relay)).not.toBe(self);
});

test("R-05-86 an object that has started before, or has an operator, makes none", async () => {
  const relay = freshRelay({ ADMIN_PUBKEYS: "" });
  expect(await selfOf(relay)).toBeUndefined();
  await relay.restart({ ADMIN_PUBKEYS: "", CLAIM_TOKEN });
  expect(await selfOf(relay)).toBeUndefined();
  expect(await selfOf(freshRelay({ ADMIN_PUBKEYS: admin.pubkey, CLAIM_TOKEN }))).toBeUndefined();
});
