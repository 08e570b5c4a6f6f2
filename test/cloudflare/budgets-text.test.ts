import { runInDurableObject } from "cloudflare:test";
import type { Event, EventTemplate } from "nostr-tools/pure";
import { expect, test } from "vitest";
import { durableSql } from "../../src/hosts/cloudflare/durable-sql.ts";
import { createCrypto } from "../../src/protocol/crypto/secp256k1.ts";
import wasm from "../../src/protocol/crypto/secp256k1.wasm";
import { VerifiedEvent } from "../../src/protocol/crypto/verify.ts";
import { EventStore } from "../../src/store/event-store.ts";
import { migrate } from "../../src/store/schema.ts";
import { bob, now, signed } from "../support/keys.ts";
import { freshRelay } from "../support/relay.workerd.ts";

const AT = now() - 1000;

function named(content: string, template: Partial<EventTemplate> = {}): Event {
  return signed(bob, { created_at: AT, ...template, content });
}

test("one row more for an event with text, one when it goes; none without search, text, or for private kinds", async () => {
  const crypto = createCrypto(wasm);
  const long = Array.from({ length: 10_000 }, (_, i) => `word${i}`).join(" ");
  const events = [named(long), named("!"), named("secret", { kind: 4 }), named("old", { kind: 0 })].map((event) => {
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
      const removed = events.slice(0, 3).map(({ raw }, i) => [i + 1, raw]);
      return [...events.map((event) => cost(() => store.put([event]))), cost(() => store.removeRows(removed))];
    });
  const [off, on] = [await costs(false), await costs(true)];
  expect(on.map((written, i) => written - (off[i] ?? 0))).toEqual([1, 0, 0, 1, 1]);
});
