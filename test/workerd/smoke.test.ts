import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { alice, bob, unique } from "../support/keys.ts";
import { freshRelay } from "../support/relay.ts";

test("R-06-02 login, publish, query, live, evict", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  const b = await relay.login(bob);
  const event = unique(alice, {
    tags: [
      ["t", "x"],
      ["e", bob.pubkey],
    ],
  });
  expect(await a.publish(event)).toEqual(["OK", event.id, true, ""]);
  expect(await b.query({ kinds: [1] })).toEqual([event]);
  expect(await b.query({ "#t": ["x"] })).toEqual([event]);
  expect(await b.query({ authors: [alice.pubkey] })).toEqual([event]);
  expect(await b.query({ ids: [event.id] })).toEqual([event]);
  expect(await b.query({})).toEqual([event]);
  expect((await b.req("s", { kinds: [7] })).end).toEqual(["EOSE", "s", ["finish"]]);
  await evictDurableObject(relay.stub);
  const live = unique(alice, { kind: 7 });
  await a.publish(live);
  expect(await b.next()).toEqual(["EVENT", "s", live]);
  await new Promise((r) => setTimeout(r, 1500));
  const keys = await runInDurableObject(relay.stub, async (_o, state) => [
    ...(await state.storage.list({ prefix: "sub:" })).keys(),
  ]);
  expect(keys.length).toBe(1);
});
