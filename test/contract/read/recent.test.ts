import { expect, test } from "vitest";
import type { Filter } from "../../support/client.ts";
import { alice, bob, now, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

test("R-06-12 R-06-17 new and old events are answered alike, also after an eviction and a write that was undone", async () => {
  const relay = freshRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const at = now() - 1000;
  const make = (n: number) => unique(alice, { created_at: at - n, tags: [["t", "x"]] });
  const old = [1, 3, 5].map(make);
  for (const event of old) expect((await a.publish(event))[2]).toBe(true);
  await relay.restart();
  const fresh = [0, 2, 4, 6].map(make);
  for (const event of fresh) expect((await a.publish(event))[2]).toBe(true);
  const deletion = unique(alice, { kind: 5, tags: [["e", fresh[1]?.id as string]] });
  // The deletion removes its target, and is undone with it.
  await relay.database((sql) => sql.all("ALTER TABLE tombstone RENAME TO away"));
  expect((await a.publish(deletion))[2]).toBe(false);
  await a.next();
  await relay.database((sql) => sql.all("ALTER TABLE away RENAME TO tombstone"));
  const all = [fresh[0], old[0], fresh[1], old[1], fresh[2], old[2], fresh[3]];
  const filters: Filter[] = [{ kinds: [1] }, { authors: [alice.pubkey], kinds: [1] }, { "#t": ["x"] }];
  for (const filter of filters) {
    expect(await b.query(filter)).toEqual(all);
    expect(await b.query({ ...filter, limit: 3 })).toEqual(all.slice(0, 3));
  }
  expect((await a.publish(deletion))[2]).toBe(true);
  for (const filter of filters) expect(await b.query(filter)).toEqual(all.filter((event) => event !== fresh[1]));
});
