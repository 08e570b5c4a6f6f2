import { expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { alice, bob, unique } from "../../support/keys.ts";
import { expectEose, inspectedRelay } from "../inspect.ts";

test("R-03-26 subscriptions are bounded in what their filters name, on one connection and over an eviction", async () => {
  const relay = inspectedRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const hex = (n: number): string => n.toString(16).padStart(64, "0");
  const authors = Array.from({ length: 7700 }, (_, n) => hex(n));
  for (let i = 0; i < 8; i++) await expectEose(a, `s${i}`, { authors, limit: 0 });
  const isRefused = async (client: Client, id: string, ...filters: unknown[]): Promise<void> => {
    const [verb, closedId, reason] = await client.ask(["REQ", id, ...filters]);
    expect([verb, closedId, String(reason).split(" ")[0]]).toEqual(["CLOSED", id, "rate-limited:"]);
  };
  await isRefused(a, "more", { authors, limit: 0 });
  // A tag value counts by its length, and filters without values count too.
  await isRefused(a, "long", { "#t": ["x".repeat(260_000)], limit: 0 });
  await expectEose(a, "small", { authors: authors.slice(0, 3000), limit: 0 });
  await isRefused(a, "many", ...Array.from({ length: 100 }, () => ({ "#t": [..."abcdefgh"], limit: 0 })));
  await expectEose(a, "s7", { authors: authors.slice(1), limit: 0 });
  // Others have room of their own.
  await expectEose(b, "mine", { authors, limit: 0 });
  await expect.poll(async () => Object.keys(await relay.rows()).length, { timeout: 5000 }).toBe(10);
  await relay.evict();
  await isRefused(a, "more", { authors, limit: 0 });
  a.send(["CLOSE", "s3"]);
  await expectEose(a, "more", { authors, limit: 0 });
  // A refused replacement ends the older one (R-03-25), which makes room.
  await isRefused(a, "small", { authors, limit: 0 });
  await expectEose(a, "small", { authors: authors.slice(0, 3500), limit: 0 });
});

test("R-03-26 what is kept of subscriptions is their values once, and is no part of MAX_STORAGE", async () => {
  const relay = inspectedRelay({ MAX_STORAGE: "1000000" });
  const a = await relay.login(alice);
  const authors = Array.from({ length: 3500 }, (_, n) => n.toString(16).padStart(64, "0"));
  for (let i = 0; i < 8; i++) await expectEose(a, `s${i}`, { authors: [...authors, ...authors], limit: 0 });
  const rows = async () => Object.values(await relay.rows());
  await expect.poll(async () => (await rows()).length, { timeout: 5000 }).toBe(8);
  expect(JSON.stringify(await rows()).length).toBeLessThan(8 * 3500 * 68);
  expect((await a.publish(unique(alice))).slice(2)).toEqual([true, ""]);
  await relay.evict();
  expect((await a.publish(unique(alice))).slice(2)).toEqual([true, ""]);
  for (let i = 0; i < 8; i++) a.send(["CLOSE", `s${i}`]);
  await expect.poll(async () => (await rows()).length, { timeout: 5000 }).toBe(0);
  expect((await a.publish(unique(alice))).slice(2)).toEqual([true, ""]);
});
