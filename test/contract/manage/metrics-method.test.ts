import { expect, test } from "vitest";
import { alice, bob, unique } from "../../support/keys.ts";
import { managedRelay } from "../../support/managed.ts";

test("R-08-14 an admin is told the same numbers as JSON, without a token, and nobody else", async () => {
  const { call, as, login } = managedRelay();
  const client = await login(alice);
  await client.publish(unique(alice, { content: "secret-content" }));
  await client.query({ authors: [alice.pubkey] });
  const { result } = await call("metrics");
  const metrics = result as Record<string, unknown>;
  expect(metrics).toMatchObject({ events_accepted_total: 1, events_answered_total: 1, connections: 1 });
  expect(metrics.frames_total).toMatchObject({ EVENT: 1, REQ: 1 });
  const read = metrics.read_seconds as { bounds: number[]; counts: number[]; sum: number };
  expect(read.counts).toHaveLength(read.bounds.length + 1);
  expect(read.counts.reduce((sum, count) => sum + count)).toBe(1);
  expect(JSON.stringify(metrics)).not.toMatch(/[0-9a-f]{32}|secret/);
  expect((await as(bob)("metrics")).status).toBe(403);
});
