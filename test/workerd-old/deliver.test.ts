import { expect, test } from "vitest";
import { localLog } from "../../src/hosts/local-log.ts";
import type { Event } from "../../src/protocol/event.ts";
import { parseConfig } from "../../src/relay/config/config.ts";
import { Connection, newAttachment } from "../../src/relay/connection.ts";
import type { AppendResult } from "../../src/relay/ports.ts";
import { deliverLive } from "../../src/relay/read/deliver.ts";
import { subscribe } from "../../src/relay/read/subscribe.ts";
import { Subscriptions } from "../../src/relay/read/subscriptions.ts";
import { AccessStore } from "../../src/store/access-store.ts";
import { EventStore } from "../../src/store/event-store.ts";
import type { Frame } from "../support/client.ts";
import { alice, now } from "../support/keys.ts";
import { freshRelay } from "../support/relay.ts";
import { inStore, unsigned, verified } from "./stocked.ts";

test("R-03-20 between being stored and being delivered, an event comes once to whoever subscribes", async () => {
  await inStore(freshRelay(), async (_store, sql) => {
    const config = parseConfig({});
    const clock = { nowSeconds: now, soon() {}, pause: async () => {}, breathe: async () => {} };
    const subscriptions = new Subscriptions({ put() {}, delete() {} }, clock);
    const nobody = { isPending: () => false, hides: () => false };
    const log = localLog(sql, new EventStore(sql), config, clock, nobody, { stored() {}, vanishing() {} });
    const deps = { config, access: { config, lists: new AccessStore(sql) }, log, clock, subscriptions, report() {} };
    const connect = () => {
      const frames: Frame[] = [];
      const send = (text: string) => void frames.push(JSON.parse(text) as Frame);
      const attachment = { ...newAttachment(0), pubkeys: [alice.pubkey] };
      const connection = new Connection(
        { send, close() {}, pingedMs: () => 0, attach() {} },
        attachment,
        new Set(),
        undefined,
      );
      return { connection, frames };
    };
    const [before, between, after] = [connect(), connect(), connect()];
    const event = unsigned({}) as Event;
    const end = ["EOSE", "s", ["finish"]];
    const shown = ["EVENT", "s", event];

    await subscribe(deps, before.connection, "s", [{}]);
    const [result] = (await log.append([verified(event)])) as [AppendResult & { position: number }];
    await subscribe(deps, between.connection, "s", [{}]);
    expect(deliverLive(deps, verified(event), result.position)).toBe(1);
    await subscribe(deps, after.connection, "s", [{}]);
    expect(before.frames).toEqual([end, shown]);
    expect(between.frames).toEqual([shown, end]);
    expect(after.frames).toEqual([shown, end]);
  });
});
