import { expect, test } from "vitest";
import { leadingZeroBits } from "../../../src/protocol/text.ts";
import { alice, type Key, signed } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";
import { verdict } from "../../support/stock.ts";

/** Tries nonces until the id has so many zero bits. */
function mined(by: Key, bits: number) {
  for (let nonce = 0; ; nonce++) {
    const event = signed(by, { tags: [["nonce", `${nonce}`, `${bits}`]], content: "mined" });
    if (leadingZeroBits(event.id) >= bits) return event;
  }
}

test("T-119 R-05-27 R-08-04 over a socket: too little work is refused, enough is stored, and NIP-11 says how much", async () => {
  const relay = freshRelay({ MIN_POW: "6" });
  const a = await relay.login(alice);
  const event = mined(alice, 6);
  const idle = [0, 1, 2, 3, 4].map((i) => signed(alice, { content: `${i}` })).find(({ id }) => leadingZeroBits(id) < 6);
  expect(verdict(await a.publish(idle as { id: string }))).toEqual([false, "pow"]);
  expect(verdict(await a.publish(event))).toEqual([true, ""]);
  const information = await relay.fetch("https://relay/", { headers: { Accept: "application/nostr+json" } });
  expect(await information.json()).toMatchObject({ limitation: { min_pow_difficulty: 6 } });
  const own = await freshRelay().fetch("/", { headers: { Accept: "application/nostr+json" } });
  expect(await own.json()).toMatchObject({ limitation: { min_pow_difficulty: 0 } });
});
