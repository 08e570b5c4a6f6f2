import { runInDurableObject } from "cloudflare:test";
import type { Event, EventTemplate } from "nostr-tools/pure";
import { expect, test } from "vitest";
import { durableSql } from "../../../src/hosts/cloudflare/durable-sql.ts";
import { createCrypto } from "../../../src/protocol/crypto/secp256k1.ts";
import wasm from "../../../src/protocol/crypto/secp256k1.wasm";
import { VerifiedEvent } from "../../../src/protocol/crypto/verify.ts";
import { EventStore } from "../../../src/store/event-store.ts";
import { migrate } from "../../../src/store/schema.ts";
import { freshRelay } from "../../support/hosts/workerd.ts";
import { bob, now, signed } from "../../support/keys.ts";

const AT = now() - 1000;

function drawn(content: string, template: Partial<EventTemplate> = {}): Event {
  return signed(bob, { created_at: AT, ...template, content });
}

test("nothing more for an event with text until words are indexed, together: about a row each, and one when it goes", async () => {
  const crypto = createCrypto(wasm);
  const long = Array.from({ length: 3000 }, (_, i) => `word${i}`).join(" ");
  const named = [drawn(long), drawn("!"), drawn("secret", { kind: 4 }), drawn("old", { kind: 0 })];
  const events = [...named, ...Array.from({ length: 600 }, (_, i) => drawn(`note ${i} of many`))].map((event) => {
    const checked = VerifiedEvent.check(event, crypto);
    if (!checked.ok) throw new Error(checked.reason);
    return checked.value;
  });
  const costs = (isOn: boolean) =>
    runInDurableObject(freshRelay().stub, (_object, { storage }) => {
      const sql = durableSql(storage);
      migrate(sql);
      const store = new EventStore(sql, { search: isOn ? { exceptKinds: new Set([4]) } : undefined });
      const cost = (act: () => void) => {
        const { written } = sql.meter;
        act();
        return sql.meter.written - written;
      };
      const work = () => {
        while (store.hasWork) store.work();
      };
      const removed = events.slice(0, 3).map(({ raw }, i) => [i + 1, raw]);
      return [cost(() => store.put(events)), cost(work), cost(() => store.removeRows(removed, "gone"))];
    });
  const [off, on] = [await costs(false), await costs(true)];
  console.log("written without search, and with it: put, index 604, remove 3:", off, on);
  expect(on[0]).toBe(off[0]);
  expect(off[1]).toBe(0);
  expect(on[1]).toBeGreaterThan(0);
  expect(on[1]).toBeLessThanOrEqual(1.2 * events.length);
  expect((on[2] ?? 0) - (off[2] ?? 0)).toBeLessThanOrEqual(3);
});
