import { beforeEach, describe, expect, test } from "vitest";
import type { Client, Frame } from "../support/client.ts";
import { alice, bob, carol, now, unique } from "../support/keys.ts";
import { breakMethod, type InspectedRelay, inspectedRelay, mendMethod } from "./inspect.ts";

const INTERNAL: Frame = ["NOTICE", "internal error"];
const closed = (id: string): Frame => ["CLOSED", id, "error: internal error"];
const failed = (id: string): Frame => ["OK", id, false, "error: internal error"];

let relay: InspectedRelay;
let a: Client;
let b: Client;

beforeEach(async () => {
  relay = inspectedRelay();
  [a, b] = [await relay.login(alice), await relay.login(bob)];
});

const rename = (from: string, to: string): Promise<void> =>
  relay.inside((state) => void state.storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`));

/** Runs `body` while every use of the table fails inside SQLite. */
async function without(table: "event" | "tag", body: () => Promise<void>): Promise<void> {
  await rename(table, "away");
  await body();
  await rename("away", table);
}

async function expectUnharmed(): Promise<void> {
  for (const client of [a, b]) expect(await client.settled()).toEqual([]);
  await b.req("unharmed", { kinds: [1] });
  const event = unique(alice);
  expect(await a.publish(event)).toEqual(["OK", event.id, true, ""]);
  expect(await b.next()).toEqual(["EVENT", "unharmed", event]);
}

describe.each([
  ["while it is awake", false],
  ["when it has to start for the message", true],
])("a store that fails %s", (_name, isAsleep) => {
  async function failing(body: () => Promise<void>): Promise<void> {
    await without("event", async () => {
      if (isAsleep) await relay.evict();
      await body();
    });
  }

  test("T-026 R-06-14 R-06-15 R-06-17 REQ gets CLOSED, then the NOTICE; nothing is registered", async () => {
    await failing(async () => {
      expect(await a.ask(["REQ", "s", { kinds: [1] }])).toEqual(closed("s"));
      expect(await a.next()).toEqual(INTERNAL);
    });
    await expectUnharmed();
  });

  test("R-06-15 COUNT gets CLOSED, then the NOTICE", async () => {
    await failing(async () => {
      expect(await a.ask(["COUNT", "c", { kinds: [1] }])).toEqual(closed("c"));
      expect(await a.next()).toEqual(INTERNAL);
    });
    await expectUnharmed();
  });

  test("T-027 R-06-15 R-02-14 EVENT gets OK false, then the NOTICE; it is neither stored nor sent on", async () => {
    await b.req("live", {});
    const event = unique(alice);
    await failing(async () => {
      expect(await a.ask(["EVENT", event])).toEqual(failed(event.id));
      expect(await a.next()).toEqual(INTERNAL);
    });
    expect(await b.settled()).toEqual([]);
    expect(await b.query({ ids: [event.id] })).toEqual([]);
    expect(await a.publish(event)).toEqual(["OK", event.id, true, ""]);
    expect(await b.next()).toEqual(["EVENT", "live", event]);
  });
});

describe("a write that fails half-way", () => {
  test("T-027 R-06-17 leaves nothing of the event behind, and does not touch others of its batch", async () => {
    await b.req("live", {});
    const [first, bad, last] = [unique(alice), unique(alice, { tags: [["t", "x"]] }), unique(alice)];
    await without("tag", async () => {
      for (const event of [first, bad, last]) a.send(["EVENT", event]);
      const answers = [await a.next(), await a.next(), await a.next(), await a.next()];
      expect(answers).toContainEqual(["OK", first.id, true, ""]);
      expect(answers).toContainEqual(["OK", last.id, true, ""]);
      const refusal = answers.findIndex((frame) => frame[1] === bad.id);
      expect(answers[refusal]).toEqual(failed(bad.id));
      expect(answers.findIndex((frame) => frame[0] === "NOTICE")).toBeGreaterThan(refusal);
    });
    expect(await b.next()).toEqual(["EVENT", "live", first]);
    expect(await b.next()).toEqual(["EVENT", "live", last]);
    expect(await b.settled()).toEqual([]);
    expect(await b.query({ ids: [bad.id] })).toEqual([]);
    expect(await a.ask(["COUNT", "c", {}])).toEqual(["COUNT", "c", { count: 2 }]);
    expect(await a.publish(bad)).toEqual(["OK", bad.id, true, ""]);
    expect(await b.query({ "#t": ["x"] })).toEqual([bad]);
  });

  test("R-06-17 of a replaceable event keeps the version that was there", async () => {
    const old = unique(alice, { kind: 10002, created_at: now() - 10 });
    const newer = unique(alice, { kind: 10002, tags: [["r", "wss://relay.example.com"]] });
    await a.publish(old);
    await without("tag", async () => {
      expect(await a.publish(newer)).toEqual(failed(newer.id));
    });
    expect(await b.query({ kinds: [10002] })).toEqual([old]);
    expect(await a.publish(newer)).toEqual(["OK", newer.id, true, ""]);
    expect(await b.query({ kinds: [10002] })).toEqual([newer]);
  });
});

test("R-05-54 R-06-15 an AUTH that fails inside gets OK false and authenticates nobody", async () => {
  const client = await relay.connect();
  const onAttachments = (change: (target: object, method: string) => void): Promise<void> =>
    relay.inside((state) => {
      for (const socket of state.getWebSockets()) change(socket, "serializeAttachment");
    });
  await onAttachments(breakMethod);
  const event = client.authEvent(carol);
  expect(await client.ask(["AUTH", event])).toEqual(failed(event.id));
  expect(await client.next()).toEqual(INTERNAL);
  await onAttachments(mendMethod);
  expect(await client.ask(["REQ", "s", {}])).toEqual(["CLOSED", "s", "auth-required: authentication required"]);
  expect(await client.ask(["AUTH", event])).toEqual(["OK", event.id, true, ""]);
  await expectUnharmed();
});

test("R-01-20 no frame tells what has failed inside", async () => {
  const frames: Frame[] = [];
  await without("event", async () => {
    a.send(["REQ", "s", {}]);
    a.send(["EVENT", unique(alice)]);
    frames.push(...(await a.settled()));
  });
  expect(JSON.stringify(frames)).toContain("internal error");
  expect(JSON.stringify(frames)).not.toMatch(/sqlite|table|\.ts|at /i);
});
