import { expect, test } from "vitest";
import { alice, bob, signed, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

const REASON = "auth-required: authentication required";
/** Longer than a test takes. */
const LONG = { AUTH_GRACE_MS: "10000" };
const SHORT = { AUTH_GRACE_MS: "1500" };

test("R-06-04 what comes before AUTH waits for it, and is answered in order, before what comes after", async () => {
  const relay = freshRelay(LONG);
  const client = await relay.connect();
  const [first, second] = [unique(alice), unique(alice)];
  client.send(["EVENT", first]);
  client.send(["REQ", "s", { kinds: [1] }]);
  client.send(["COUNT", "c", { kinds: [1] }]);
  client.send(["NEG-OPEN", "n", { kinds: [1] }, "6100000200"]);
  client.send(["CLOSE", "s"]);
  client.send("ping");
  expect(await client.nextText()).toBe("pong");
  expect(await client.ask(["PING"])).toEqual(["PONG"]);
  const auth = client.authEvent(alice);
  client.send(["AUTH", auth]);
  client.send(["EVENT", second]);
  client.send(["REQ", "t", { kinds: [1], limit: 1 }]);
  const frames = [];
  while (frames.at(-1)?.[0] !== "EOSE" || frames.at(-1)?.[1] !== "t") frames.push(await client.next());
  expect(frames.map((frame) => frame.slice(0, 2))).toEqual([
    ["OK", auth.id],
    ["OK", first.id],
    ["EVENT", "s"],
    ["EOSE", "s"],
    ["COUNT", "c"],
    ["NEG-MSG", "n"],
    ["OK", second.id],
    ["EVENT", "t"],
    ["EOSE", "t"],
  ]);
});

test("R-06-04 without AUTH all get their exact refusals, in order, and from then on at once", async () => {
  const client = await freshRelay(SHORT).connect();
  const event = unique(alice);
  const started = Date.now();
  client.send(["REQ", "s", {}]);
  client.send(["EVENT", event]);
  client.send(["CLOSE", "s"]);
  client.send(["NEG-OPEN", "n", {}, "6100000200"]);
  expect(await client.next()).toEqual(["CLOSED", "s", REASON]);
  expect(Date.now() - started).toBeGreaterThan(500);
  expect(await client.next()).toEqual(["OK", event.id, false, REASON]);
  expect(await client.next()).toEqual(["NOTICE", REASON]);
  expect(await client.next()).toEqual(["NEG-ERR", "n", REASON]);
  const after = Date.now();
  expect(await client.ask(["COUNT", "c", {}])).toEqual(["CLOSED", "c", REASON]);
  expect(Date.now() - after).toBeLessThan(1000);
  expect((await client.auth(alice))[2]).toBe(true);
  expect((await client.req("s", {})).events).toEqual([]);
});

test("R-06-06 an AUTH that fails does not end the grace", async () => {
  const client = await freshRelay(LONG).connect();
  client.send(["REQ", "s", {}]);
  const wrong = signed(alice, { kind: 22242, tags: [["challenge", "wrong"]] });
  expect((await client.ask(["AUTH", wrong]))[2]).toBe(false);
  expect((await client.auth(alice))[2]).toBe(true);
  expect((await client.next()).slice(0, 2)).toEqual(["EOSE", "s"]);
});

test("R-06-04 51 frames, or 256 KiB: what is too much is refused at once, the rest is kept", async () => {
  const client = await freshRelay(LONG).connect();
  for (let i = 0; i < 52; i++) client.send(["COUNT", `c${i}`, {}]);
  expect(await client.next()).toEqual(["CLOSED", "c50", REASON]);
  expect(await client.next()).toEqual(["CLOSED", "c51", REASON]);
  expect((await client.auth(alice))[2]).toBe(true);
  for (let i = 0; i < 50; i++) expect((await client.next()).slice(0, 2)).toEqual(["COUNT", `c${i}`]);

  const other = await freshRelay(LONG).connect();
  const large = (id: string) => ["REQ", id, { "#t": Array.from({ length: 150 }, () => "x".repeat(1000)) }];
  other.send(large("a"));
  expect(await other.ask(large("b"))).toEqual(["CLOSED", "b", REASON]);
  expect((await other.auth(bob))[2]).toBe(true);
  expect((await other.next()).slice(0, 2)).toEqual(["EOSE", "a"]);
});

test("R-06-05 a connection that leaves takes with it what was parked", async () => {
  const relay = freshRelay(SHORT);
  const [client, reader] = [await relay.connect(), await relay.login(bob)];
  client.send(["EVENT", unique(alice)]);
  expect(await client.ask(["PING"])).toEqual(["PONG"]);
  client.close();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  expect((await reader.req("s", {})).events).toEqual([]);
});

test("R-05-43 a NEG-MSG that finds no room ends the sync that is parked", async () => {
  const client = await freshRelay(LONG).connect();
  client.send(["NEG-OPEN", "n", { kinds: [1] }, "6100000200"]);
  for (let n = 0; n < 49; n++) client.send(["COUNT", `${n}`, { kinds: [9] }]);
  client.send(["NEG-MSG", "n", "6100000200"]);
  client.send(["AUTH", client.authEvent(alice)]);
  await client.until(([name, id]) => name === "COUNT" && id === "48");
  expect((await client.settled()).filter(([, id]) => id === "n")).toEqual([["NEG-ERR", "n", REASON]]);
});

test.each(["REQ", "CLOSE"])("R-03-25 a %s that finds no room ends what is parked of its id", async (verb) => {
  const client = await freshRelay(LONG).connect();
  client.send(["REQ", "s", { kinds: [1] }]);
  for (let n = 0; n < 49; n++) client.send(["COUNT", `${n}`, { kinds: [9] }]);
  client.send([verb, "s", ...(verb === "REQ" ? [{ kinds: [2] }] : [])]);
  client.send(["AUTH", client.authEvent(alice)]);
  await client.until(([name, id]) => name === "COUNT" && id === "48");
  const event = unique(alice);
  await client.publish(event);
  const frames = await client.settled();
  expect(frames.filter(([name, id]) => name === "EOSE" || (name === "EVENT" && id === "s"))).toEqual([]);
});

test("R-06-06 what was held and is sent again after the login runs once; what is new runs", async () => {
  const relay = freshRelay(LONG);
  const [writer, client] = [await relay.login(bob), await relay.connect()];
  const [stored, own] = [unique(bob), unique(alice)];
  await writer.publish(stored);
  await writer.req("live", { authors: [alice.pubkey] });
  const frames: unknown[][] = [
    ["EVENT", own],
    ["REQ", "s", { ids: [stored.id] }],
    ["COUNT", "c", { ids: [stored.id] }],
    ["NEG-OPEN", "n", { ids: [stored.id] }, "6100000200"],
  ];
  for (const frame of frames) client.send(frame);
  expect((await client.auth(alice))[2]).toBe(true);
  for (const frame of frames) client.send(frame);
  const answers = (await client.settled()).map((frame) => frame.slice(0, 2));
  expect(answers).toEqual([
    ["OK", own.id],
    ["EVENT", "s"],
    ["EOSE", "s"],
    ["COUNT", "c"],
    ["NEG-MSG", "n"],
    // Every message has its answer (R-01-14, R-03-16): the event is a duplicate, and what is stored is not sent again.
    ["OK", own.id],
    ["EOSE", "s"],
    ["COUNT", "c"],
  ]);
  expect(await writer.settled()).toEqual([["EVENT", "live", own]]);
  // Once more is a request of its own; so is one whose subscription was closed, or is another's.
  expect((await client.req("s", { ids: [stored.id] })).events).toEqual([stored]);
});

test.each([[["CLOSE", "s"]], [["REQ", "s", { kinds: [9] }]]])(
  "R-06-06 after %j the frame that was held is served again",
  async (between) => {
    const client = await freshRelay(LONG).connect();
    client.send(["REQ", "s", { kinds: [1] }]);
    expect((await client.auth(alice))[2]).toBe(true);
    expect(await client.next()).toEqual(["EOSE", "s", ["finish"]]);
    client.send(between);
    client.send(["REQ", "s", { kinds: [1] }]);
    expect((await client.settled()).at(-1)).toEqual(["EOSE", "s", ["finish"]]);
  },
);
