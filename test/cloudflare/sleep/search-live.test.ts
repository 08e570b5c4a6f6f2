import type { Event, EventTemplate } from "nostr-tools/pure";
import { expect, test } from "vitest";
import { freshRelay } from "../../support/hosts/workerd.ts";
import { alice, bob, now, signed } from "../../support/keys.ts";
import { expectEose } from "../../support/stock.ts";

const AT = now() - 1000;

function named(content: string, template: Partial<EventTemplate> = {}): Event {
  return signed(bob, { created_at: AT, ...template, content });
}

test("R-06-12 a search subscription stays live through eviction", async () => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  await expectEose(a, "live", { search: "nostr" });
  await relay.restart();
  const b = await relay.login(bob);
  for (const content of ["nothing", "Nostr!"]) await b.publish(named(content));
  expect((await a.settled()).map((frame) => (frame[2] as Event).content)).toEqual(["Nostr!"]);
});
