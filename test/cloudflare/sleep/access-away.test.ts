import { expect, test } from "vitest";
import { alice, carol, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";
import { enlist } from "../../support/stock.ts";

test("R-06-12 a change that came while the object was away ends what it forbids", async () => {
  const relay = freshRelay();
  const [a, c] = [await relay.login(alice), await relay.login(carol)];
  for (const client of [a, c]) await client.req("open", { kinds: [1] });
  await relay.restart();
  await enlist(relay, ["allowed-pubkey", alice.pubkey]);
  await relay.restart();
  const event = unique(alice);
  a.send(["EVENT", event]);
  expect(await c.next()).toEqual(["CLOSED", "open", expect.stringMatching(/^restricted: ./)]);
  expect((await a.until(([verb]) => verb === "EVENT"))[2]).toMatchObject({ id: event.id });
  expect((await c.req("again", {})).end[2]).toMatch(/^restricted: /);
});
