import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { freshRelay, type WorkerdRelay as TestRelay } from "../../support/hosts/workerd.ts";
import { alice, bob, unique } from "../../support/keys.ts";

const NOT_RUNNING = /not currently running/;

/** All writes of the object since it started, and the attachments of its sockets. */
function stateOf({ stub }: TestRelay): Promise<{ writes: unknown; attachments: unknown[] }> {
  return runInDurableObject(stub, (_object, state) => ({
    writes: state.storage.sql.exec("SELECT total_changes() AS writes").one().writes,
    attachments: state.getWebSockets().map((socket) => socket.deserializeAttachment() as unknown),
  }));
}

describe("ping", () => {
  test("T-010 R-01-04 before AUTH is answered with pong, and nothing else changes", async () => {
    const client = await freshRelay().connect();
    client.send("ping");
    expect(await client.nextText()).toBe("pong");
    expect((await client.ask(["REQ", "s", {}]))[0]).toBe("CLOSED");
    expect((await client.auth(alice))[2]).toBe(true);
  });

  test("T-011 R-01-04 after AUTH is answered with pong", async () => {
    const client = await freshRelay().login(alice);
    client.send("ping");
    expect(await client.nextText()).toBe("pong");
    expect(await client.settled()).toEqual([]);
  });

  test("R-06-08 the pair is registered when the object starts, before it serves anything", async () => {
    const pair = await runInDurableObject(freshRelay().stub, (_object, state) => {
      const registered = state.getWebSocketAutoResponse();
      return [registered?.request, registered?.response];
    });
    expect(pair).toEqual(["ping", "pong"]);
  });

  test("R-06-08 R-06-10 it does not wake the object; a message does", async () => {
    const relay = freshRelay();
    const client = await relay.login(alice);
    await evictDurableObject(relay.stub);
    for (let round = 0; round < 3; round++) {
      client.send("ping");
      expect(await client.nextText()).toBe("pong");
    }
    // Only an object that is in memory can be evicted.
    await expect(evictDurableObject(relay.stub)).rejects.toThrow(NOT_RUNNING);
    client.send(["PING"]);
    expect(await client.next()).toEqual(["PONG"]);
    await evictDurableObject(relay.stub);
  });

  test("R-06-10 it writes nothing: neither to the store nor to the attachment", async () => {
    const relay = freshRelay();
    const client = await relay.login(alice);
    const before = await stateOf(relay);
    expect(before.attachments).toHaveLength(1);
    for (let count = 0; count < 20; count++) client.send("ping");
    for (let count = 0; count < 20; count++) expect(await client.nextText()).toBe("pong");
    expect(await stateOf(relay)).toEqual(before);
  });

  test("R-01-23 any number of them is answered, and none counts as a message", async () => {
    const client = await freshRelay().login(alice);
    for (let count = 0; count < 1000; count++) client.send("ping");
    for (let count = 0; count < 1000; count++) expect(await client.nextText()).toBe("pong");
    expect((await client.req("s", {})).end[0]).toBe("EOSE");
  });

  test("T-033 R-06-09 R-06-26 between pings the object may go; the subscription stays and is served", async () => {
    const relay = freshRelay();
    const [a, b] = [await relay.login(alice), await relay.login(bob)];
    await a.req("live", { kinds: [1] });
    await evictDurableObject(relay.stub);
    for (let round = 0; round < 10; round++) {
      a.send("ping");
      expect(await a.nextText()).toBe("pong");
    }
    expect(a.closed).toBeUndefined();
    const event = unique(bob);
    expect((await b.publish(event))[2]).toBe(true);
    expect(await a.next()).toEqual(["EVENT", "live", event]);
  });
});

const NOT_PING: [string, string | Uint8Array][] = [
  ["ping in JSON quotes", '"ping"'],
  ["PING", "PING"],
  ["Ping", "Ping"],
  ["ping and a line feed", "ping\n"],
  ["a space and ping", " ping"],
  ["ping twice", "pingping"],
  ["pong", "pong"],
  ["ping in an array", '["ping"]'],
  ["ping in a binary frame", new TextEncoder().encode("ping")],
];

test.each(NOT_PING)("T-011 R-01-04 %s gets a NOTICE and never pong", async (_name, frame) => {
  const client = await freshRelay().login(alice);
  expect(await client.ask(frame)).toEqual(["NOTICE", expect.stringMatching(/^(invalid|unsupported): ./)]);
  expect(await client.settled()).toEqual([]);
});

test('R-01-04b ["PING"] is answered with ["PONG"] before and after AUTH', async () => {
  const client = await freshRelay().connect();
  expect(await client.ask(["PING"])).toEqual(["PONG"]);
  await client.auth(alice);
  expect(await client.ask(["PING"])).toEqual(["PONG"]);
});
