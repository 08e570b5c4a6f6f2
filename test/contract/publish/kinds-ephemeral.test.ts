import type { Event } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import type { Client, Frame } from "../../support/client.ts";
import { alice, bob, carol, now, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

const DUPLICATE = [true, expect.stringMatching(/^duplicate: ./)];
const ACCEPTED = [true, ""];

/** Publishes; returns the last two elements of the OK. */
async function verdict(client: Client, event: Event): Promise<unknown[]> {
  return (await client.publish(event)).slice(2);
}

describe.each([20000, 20001, 25000, 29999])("ephemeral kind %i", (kind) => {
  test("T-105 with a listener: delivered, OK true, not stored", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await b.req("s", { kinds: [kind] });
    const event = unique(alice, { kind, tags: [["d", "x"]] });
    expect(await verdict(a, event)).toEqual(ACCEPTED);
    expect(await b.settled()).toEqual([["EVENT", "s", event]]);
    for (const filter of [{}, { kinds: [kind] }, { ids: [event.id] }, { authors: [alice.pubkey] }, { "#d": ["x"] }]) {
      expect(await a.query(filter)).toEqual([]);
      expect(await a.ask(["COUNT", "count", filter])).toMatchObject(["COUNT", "count", { count: 0 }]);
    }
  });

  test("T-106 without a listener: OK false mute", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await b.req("other", { kinds: [kind], authors: [bob.pubkey] });
    await b.req("closed", { kinds: [kind] });
    b.send(["CLOSE", "closed"]);
    expect(await b.settled()).toEqual([]);
    const event = unique(alice, { kind });
    expect(await verdict(a, event)).toEqual([false, expect.stringMatching(/^mute: ./)]);
    expect(await b.settled()).toEqual([]);
    expect(await a.query({})).toEqual([]);
  });
});

describe("ephemeral events", () => {
  test("R-04-09 nothing of one is there after the object was away", async () => {
    const relay = freshRelay();
    const client = await relay.login(alice);
    await client.req("s", { kinds: [20001] });
    const event = unique(alice, { kind: 20001 });
    expect(await verdict(client, event)).toEqual(ACCEPTED);
    await relay.restart();
    expect(await client.query({ ids: [event.id] })).toEqual([]);
    expect(await client.query({})).toEqual([]);
  });

  test("R-03-21 R-04-09 the publisher itself may be the listener", async () => {
    const client = await freshRelay().login(alice);
    await client.req("s", { kinds: [20001] });
    const event = unique(alice, { kind: 20001 });
    client.send(["EVENT", event]);
    const frames = await client.settled();
    expect(frames.length).toBe(2);
    expect(frames).toContainEqual(["EVENT", "s", event]);
    expect(frames).toContainEqual(["OK", event.id, true, ""]);
  });

  test("R-04-09 R-05-29 the answer about one of a private kind is the same, whether or not its recipient is there", async () => {
    const relay = freshRelay();
    const [a, b, c] = [await relay.login(alice), await relay.login(bob), await relay.login(carol)];
    await b.req("s", {});
    const wrap = () => unique(alice, { kind: 21059, tags: [["p", carol.pubkey]] });
    const [unheard, heard] = [wrap(), wrap()];
    for (let times = 0; times < 2; times++) expect(await verdict(a, unheard)).toEqual(ACCEPTED);
    await c.req("s", { kinds: [21059] });
    for (let times = 0; times < 2; times++) expect(await verdict(a, heard)).toEqual(ACCEPTED);
    // Who was not there gets it when it is tried again; who had it gets it once.
    expect(await verdict(a, unheard)).toEqual(ACCEPTED);
    expect(await c.settled()).toEqual([
      ["EVENT", "s", heard],
      ["EVENT", "s", unheard],
    ]);
    expect(await b.settled()).toEqual([]);
  });

  test("R-04-10 the same id again within a minute is a duplicate and not sent on again", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await b.req("s", { kinds: [20001] });
    const event = unique(alice, { kind: 20001 });
    a.send(["EVENT", event]);
    a.send(["EVENT", event]);
    expect((await a.settled()).map((frame) => frame.slice(2))).toEqual([ACCEPTED, DUPLICATE]);
    expect(await verdict(a, event)).toEqual(DUPLICATE);
    expect(await b.settled()).toEqual([["EVENT", "s", event]]);
  });

  test("R-04-09 a forged one reaches nobody", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await b.req("s", {});
    const event = unique(alice, { kind: 20001 });
    for (const forgery of [
      { ...event, content: "x" },
      { ...event, sig: "0".repeat(128) },
    ]) {
      expect(await verdict(a, forgery)).toEqual([false, expect.stringMatching(/^invalid: ./)]);
    }
    expect(await b.settled()).toEqual([]);
  });

  test("R-04-11 R-05-17 an expiration in the past refuses, one in the future changes nothing", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await b.req("s", {});
    const at = (seconds: number) => unique(alice, { kind: 20001, tags: [["expiration", `${now() + seconds}`]] });
    expect(await verdict(a, at(-10))).toEqual([false, expect.stringMatching(/^invalid: ./)]);
    const event = at(60);
    expect(await verdict(a, event)).toEqual(ACCEPTED);
    expect(await b.settled()).toEqual([["EVENT", "s", event]]);
    expect(await a.query({})).toEqual([]);
  });

  test("R-01-09 stored and ephemeral events pipelined are answered once each, and delivered in order", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await b.req("s", { kinds: [1, 20001] });
    const events = [1, 20001, 1, 20001, 20001, 1].map((kind) => unique(alice, { kind }));
    for (const event of events) a.send(["EVENT", event]);
    expect(await a.settled()).toEqual(events.map(({ id }) => ["OK", id, ...ACCEPTED]));
    expect(await b.settled()).toEqual(events.map((event): Frame => ["EVENT", "s", event]));
  });
});
