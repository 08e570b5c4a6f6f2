import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import type { Frame } from "../support/client.ts";
import { freshRelay } from "../support/hosts/workerd.ts";
import { alice, unique } from "../support/keys.ts";

const INVALID = "invalid: signature does not verify";

test("R-06-15 R-02-14 when nothing of a commit can be read or written, each of its events is answered", async () => {
  const relay = freshRelay();
  const client = await relay.login(alice);
  await runInDurableObject(relay.stub, (_object, { storage }) => storage.sql.exec("DROP TABLE event").toArray());
  const events = [unique(alice), { ...unique(alice), sig: unique(alice).sig }, unique(alice)];
  for (const event of events) client.send(["EVENT", event]);
  const answers = new Map<unknown, Frame>();
  for (const { id } of events) answers.set(id, await client.until(([verb, about]) => verb === "OK" && about === id));
  expect(events.map(({ id }) => answers.get(id)?.slice(2))).toEqual([
    [false, "error: internal error"],
    [false, INVALID],
    [false, "error: internal error"],
  ]);
});
