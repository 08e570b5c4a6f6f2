import { expect, test } from "vitest";
import type { Client, Frame } from "../../support/client.ts";
import { alice, bob, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

const COUNT = 400;

const burst = (by: typeof alice) => Array.from({ length: COUNT }, () => unique(by, { kind: 9 }));

async function frames(client: Client, count: number): Promise<Frame[]> {
  const all: Frame[] = [];
  while (all.length < count) all.push(await client.next());
  return all;
}

test("R-01-09 R-01-10 events sent in one go are answered in their order, and a REQ after them sees them", async () => {
  const a = await freshRelay().login(alice);
  const events = burst(alice);
  for (const event of events) a.send(["EVENT", event]);
  a.send(["COUNT", "c", { kinds: [9] }]);
  a.send(["REQ", "s", { ids: [events[COUNT - 1]?.id] }]);
  a.send(["PING"]);
  expect(await frames(a, COUNT)).toEqual(events.map(({ id }) => ["OK", id, true, ""]));
  expect(await frames(a, 4)).toEqual([
    ["COUNT", "c", { count: COUNT }],
    ["EVENT", "s", events[COUNT - 1]],
    ["EOSE", "s", ["finish"]],
    ["PONG"],
  ]);
});

test("R-01-23 of those sent in one go each is answered once, the refused ones too", async () => {
  const a = await freshRelay({ LIMIT_EVENT: "connection:0.001/300" }).login(alice);
  const events = burst(alice);
  for (const event of events) a.send(["EVENT", event]);
  const answers = await frames(a, COUNT);
  const ids = (isAccepted: boolean) => answers.filter(([, , accepted]) => accepted === isAccepted).map(([, id]) => id);
  expect(ids(true)).toEqual(events.slice(0, 300).map(({ id }) => id));
  expect(ids(false)).toEqual(events.slice(300).map(({ id }) => id));
  expect(await a.ask(["PING"])).toEqual(["PONG"]);
});

test("R-01-09 what a client sends right before it leaves is published, every event once", async () => {
  const relay = freshRelay();
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  await b.req("s", { kinds: [9], limit: 0 });
  const events = burst(alice);
  for (const event of events) a.send(["EVENT", event]);
  a.close();
  const live = await frames(b, COUNT);
  expect(live.map(([, , event]) => (event as { id: string }).id)).toEqual(events.map(({ id }) => id));
  expect(await b.ask(["COUNT", "c", { kinds: [9] }])).toEqual(["COUNT", "c", { count: COUNT }]);
});

test("R-01-09 an AUTH that has to wait counts for what comes after it", async () => {
  const a = await freshRelay().login(alice);
  for (const event of burst(alice)) a.send(["EVENT", event]);
  const mine = unique(bob, { tags: [["-"]] });
  a.send(["EVENT", mine]);
  a.send(["AUTH", a.authEvent(bob)]);
  a.send(["EVENT", mine]);
  const answers = await frames(a, COUNT + 3);
  const ofMine = answers.filter(([, id]) => id === mine.id).map(([, , accepted]) => accepted);
  expect(ofMine).toEqual([false, true]);
});
