import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Client, Frame } from "../support/client.ts";
import { alice, bob, carol, unique } from "../support/keys.ts";
import { breakMethod, expectEose, type InspectedRelay, inspectedRelay, mendMethod, socketOf } from "./inspect.ts";

const INTERNAL: Frame = ["NOTICE", "internal error"];

let relay: InspectedRelay;
let a: Client;
let b: Client;

beforeEach(async () => {
  relay = inspectedRelay();
  [a, b] = [await relay.login(alice), await relay.login(bob)];
});

/** Breaks the object's key-value storage while `body` runs. */
async function withBrokenRows(method: "put" | "delete", body: () => Promise<void>): Promise<void> {
  await relay.inside((state) => breakMethod(state.storage.kv, method));
  await body();
  await relay.inside((state) => mendMethod(state.storage.kv, method));
}

describe("subscription rows that cannot be written", () => {
  test("R-06-15 R-01-18 a REQ is served or CLOSED; what was CLOSED gets no event, now or after an eviction", async () => {
    const open: string[] = [];
    // So many long ids that an attachment cannot hold them: their rows have to be written at once.
    const ids = Array.from({ length: 60 }, (_, index) => String(index).padStart(64, "x"));
    await withBrokenRows("put", async () => {
      for (const id of ids) {
        const { end } = await a.req(id, { kinds: [1] });
        if (end[0] === "EOSE") {
          open.push(id);
          continue;
        }
        expect(end).toEqual(["CLOSED", id, "error: internal error"]);
        expect(await a.next()).toEqual(INTERNAL);
      }
    });
    const reachedBy = async (): Promise<unknown[]> => {
      await b.publish(unique(bob));
      return (await a.settled()).map(([, id]) => id).sort();
    };
    expect(await reachedBy()).toEqual(open.sort());
    await relay.evict();
    expect(await reachedBy()).toEqual(open.sort());
    const prefix = await relay.prefixOf(a);
    await relay.expectRows(...open.map((id) => prefix + id));
  });

  test("R-06-20 a row whose write fails is written later", async () => {
    let failed = 0;
    await relay.inside((state) => breakMethod(state.storage.kv, "put", () => failed++));
    await expectEose(a, "s", { kinds: [1] });
    await vi.waitFor(() => expect(failed).toBeGreaterThan(0), { timeout: 4000, interval: 25 });
    await relay.inside((state) => mendMethod(state.storage.kv, "put"));
    await relay.expectRows(`${await relay.prefixOf(a)}s`);
  });

  test("R-06-20 a row is written although the clock was set back", async () => {
    await expectEose(a, "s", { kinds: [1] });
    const realNow = Date.now;
    try {
      Date.now = () => realNow() - 3_600_000;
      await relay.expectRows(`${await relay.prefixOf(a)}s`);
    } finally {
      Date.now = realNow;
    }
  });

  test("R-06-14 R-06-17 a CLOSE whose row cannot be deleted is carried out; the row goes later", async () => {
    await expectEose(a, "s", { kinds: [7] });
    await relay.expectRows(`${await relay.prefixOf(a)}s`);
    await withBrokenRows("delete", async () => {
      a.send(["CLOSE", "s"]);
      await b.publish(unique(bob, { kind: 7 }));
      expect(await a.settled()).toEqual([]);
    });
    await relay.expectRows();
  });

  test("R-06-16 a disconnect whose rows cannot be deleted harms nobody; they go when the object starts", async () => {
    await expectEose(a, "s", { kinds: [7] });
    await relay.expectRows(`${await relay.prefixOf(a)}s`);
    const event = unique(bob);
    await withBrokenRows("delete", async () => {
      a.close();
      await vi.waitFor(async () => expect(await relay.inside((state) => state.getWebSockets().length)).toBe(1));
      expect(await b.publish(event)).toEqual(["OK", event.id, true, ""]);
    });
    await relay.evict();
    expect(await b.query({})).toEqual([event]);
    await relay.expectRows();
  });
});

describe("a socket that throws when it is sent to", () => {
  const breakSocketOf = (client: Client): Promise<void> =>
    relay.inside((state) => breakMethod(socketOf(state, client), "send"));

  test("T-032 R-06-22 the others get the event, and the publisher its OK", async () => {
    const c = await relay.login(carol);
    for (const client of [b, a, c]) await expectEose(client, "live", { kinds: [1] });
    await breakSocketOf(b);
    const event = unique(alice);
    expect(await a.publish(event)).toEqual(["OK", event.id, true, ""]);
    expect(await a.next()).toEqual(["EVENT", "live", event]);
    expect(await c.next()).toEqual(["EVENT", "live", event]);
    expect(await c.query({ ids: [event.id] })).toEqual([event]);
  });

  test("R-06-22 the publisher's own may be the one: its event is stored and sent on", async () => {
    await expectEose(b, "live", { kinds: [1] });
    await breakSocketOf(a);
    const event = unique(alice);
    a.send(["EVENT", event]);
    expect(await b.next()).toEqual(["EVENT", "live", event]);
    expect(await b.query({ ids: [event.id] })).toEqual([event]);
  });

  test("R-06-16 a NOTICE that cannot be sent is swallowed", async () => {
    await breakSocketOf(b);
    await relay.inside(async (state, object) => {
      state.storage.sql.exec("ALTER TABLE event RENAME TO away");
      for (const frame of ['["REQ","s",{}]', "no JSON"]) {
        expect(() => object.webSocketMessage(socketOf(state, b), frame)).not.toThrow();
      }
      state.storage.sql.exec("ALTER TABLE away RENAME TO event");
    });
    const event = unique(alice);
    expect(await a.publish(event)).toEqual(["OK", event.id, true, ""]);
  });
});
