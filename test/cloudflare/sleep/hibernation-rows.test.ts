import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { alice, bob, unique } from "../../support/keys.ts";
import { expectEose, inspectedRelay, socketOf } from "../inspect.ts";

const LOST = "error: subscription lost, send it again";

/** So large that it cannot travel in an attachment. */
const LARGE = { authors: [bob.pubkey, ...Array.from({ length: 499 }, (_, n) => n.toString(16).padStart(64, "0"))] };

const IDS = ["s:1", ":", "a:b:c", "sub:x:y", " ", '"\\\n', "__proto__", "\u{1F600}".repeat(64), "x".repeat(64)];

test.concurrent.for(IDS)("T-030 R-06-18 the row of subscription %j is found again after eviction", async (id) => {
  const { login, prefixOf, rows, expectRows, evict } = inspectedRelay();
  const [a, b] = [await login(alice), await login(bob)];
  const filters = [
    { kinds: [1], "#t": ["b", "a"] },
    { ids: [], limit: 0 },
  ];
  const row = (await prefixOf(a)) + id;
  await expectEose(a, id, ...filters);
  await expectRows(row);
  expect(await rows()).toEqual({ [row]: filters });
  await evict();
  const event = unique(bob, { tags: [["t", "a"]] });
  await b.publish(event);
  expect(await a.next()).toEqual(["EVENT", id, event]);
  a.send(["CLOSE", id]);
  expect(await a.settled()).toEqual([]);
  expect(await rows()).toEqual({});
});

describe.concurrent("rows", () => {
  test("T-030 R-06-20 a REQ that is closed at once costs no write", async () => {
    const { login, inside, prefixOf, expectRows } = inspectedRelay();
    const [a, b] = [await login(alice), await login(bob)];
    const writes = () => inside((state) => Number(state.storage.sql.exec("SELECT total_changes() AS n").one().n));
    const before = await writes();
    for (let n = 0; n < 20; n++) {
      await expectEose(a, `s${n}`, n % 2 === 0 ? LARGE : { kinds: [n] });
      a.send(["CLOSE", `s${n}`]);
    }
    // The rows of those would be written before this one's, or with it.
    await expectEose(b, "later", {});
    await expectRows(`${await prefixOf(b)}later`);
    expect((await writes()) - before).toBe(1);
  });

  test("R-06-18 R-03-24 a replaced subscription has the row of its new filters only", async () => {
    const { login, prefixOf, rows, expectRows } = inspectedRelay();
    const a = await login(alice);
    const row = `${await prefixOf(a)}s`;
    await expectEose(a, "s", { kinds: [1] });
    await expectRows(row);
    await expectEose(a, "s", { kinds: [7] });
    expect(Object.values(await rows())).not.toContainEqual([{ kinds: [1] }]);
    await expectRows(row);
    expect(await rows()).toEqual({ [row]: [{ kinds: [7] }] });
  });

  test("R-03-25 R-06-19 a subscription that is CLOSED has no row left", async () => {
    const { login, prefixOf, rows, expectRows } = inspectedRelay();
    const a = await login(alice);
    await expectEose(a, "s", { kinds: [1] });
    await expectRows(`${await prefixOf(a)}s`);
    expect((await a.req("s", { foo: 1 })).end[0]).toBe("CLOSED");
    expect(await rows()).toEqual({});
  });

  test("R-06-19 without a connection are purged when the object starts; other keys are left alone", async () => {
    const { login, inside, prefixOf, rows, expectRows, evict } = inspectedRelay();
    const a = await login(alice);
    const row = `${await prefixOf(a)}s`;
    await expectEose(a, "s", { kinds: [1] });
    await expectRows(row);
    await inside((state) => {
      for (const name of ["sub:gone:s", "sub:gone:a:b", "sub::", "sub:", "sub:gone"]) {
        state.storage.kv.put(name, [{ kinds: [1] }]);
      }
      state.storage.kv.put("other", 1);
    });
    await evict();
    expect(await a.settled()).toEqual([]);
    await expectRows(row);
    expect(await rows("other")).toEqual({ other: 1 });
  });

  test("R-06-19 of sockets that were lost while the object was away are purged", async () => {
    const { stub, login, prefixOf, rows, expectRows } = inspectedRelay();
    const a = await login(alice);
    await expectEose(a, "s", { kinds: [1] });
    await expectRows(`${await prefixOf(a)}s`);
    await evictDurableObject(stub, { webSockets: "close" });
    await login(bob);
    expect(await rows()).toEqual({});
  });

  test.each([
    ["text", "x"],
    ["null", null],
    ["a filter that is none", [{ ids: "x" }]],
  ])("R-06-12 R-06-20 that hold %s cost their own subscription only, and not in silence", async (_name, value) => {
    const { login, inside, prefixOf, expectRows, evict } = inspectedRelay();
    const a = await login(alice);
    const prefix = await prefixOf(a);
    for (const id of ["good", "bad"]) await expectEose(a, id, { kinds: [1] });
    await expectRows(`${prefix}good`, `${prefix}bad`);
    await inside((state) => state.storage.kv.put(`${prefix}bad`, value));
    await evict();
    const event = unique(alice);
    a.send(["EVENT", event]);
    expect(await a.until(([verb]) => verb === "CLOSED")).toEqual(["CLOSED", "bad", expect.stringMatching(/^error: ./)]);
    expect(await a.until(([verb]) => verb === "EVENT")).toEqual(["EVENT", "good", event]);
    await expectRows(`${prefix}good`);
  });
});

describe.concurrent("evicted before the row is written", () => {
  test("R-06-20 a small subscription survives and gets its row", async () => {
    const { login, prefixOf, rows, expectRows, evictUnwritten, evict } = inspectedRelay();
    const [a, b] = [await login(alice), await login(bob)];
    const row = `${await prefixOf(a)}s`;
    await expectEose(a, "s", { kinds: [1] });
    await evictUnwritten();
    expect(await rows()).toEqual({});
    const [first, second] = [unique(bob), unique(bob)];
    await b.publish(first);
    expect(await a.next()).toEqual(["EVENT", "s", first]);
    await expectRows(row);
    await evict();
    await b.publish(second);
    expect(await a.next()).toEqual(["EVENT", "s", second]);
  });

  test("R-06-20 of a large one the client is told, and it may be sent again", async () => {
    const { login, rows, evictUnwritten } = inspectedRelay();
    const [a, b] = [await login(alice), await login(bob)];
    await expectEose(a, "large", LARGE);
    await evictUnwritten();
    expect(await rows()).toEqual({});
    await b.publish(unique(bob));
    expect(await a.next()).toEqual(["CLOSED", "large", LOST]);
    expect(await a.settled()).toEqual([]);
    await expectEose(a, "large", { ...LARGE, limit: 0 });
    const event = unique(bob);
    await b.publish(event);
    expect(await a.next()).toEqual(["EVENT", "large", event]);
  });

  test("R-06-20 a large one that was closed in time is not mentioned again", async () => {
    const { login, evictUnwritten } = inspectedRelay();
    const [a, b] = [await login(alice), await login(bob)];
    await expectEose(a, "large", LARGE);
    a.send(["CLOSE", "large"]);
    expect(await a.settled()).toEqual([]);
    await evictUnwritten();
    await b.publish(unique(bob));
    expect(await a.settled()).toEqual([]);
  });

  test("R-06-20 of more than an attachment can name, each is served or CLOSED, and none is lost", async () => {
    const { login, evictUnwritten } = inspectedRelay();
    const [a, b] = [await login(alice), await login(bob)];
    const ids = Array.from({ length: 60 }, (_, n) => String(n).padStart(64, "x"));
    for (const id of ids) await expectEose(a, id, { kinds: [1], "#t": ["x".repeat(100)] });
    await evictUnwritten();
    await b.publish(unique(bob, { tags: [["t", "x".repeat(100)]] }));
    const frames = await a.settled();
    expect(frames.map(([, id]) => id).sort()).toEqual(ids.sort());
    for (const frame of frames) if (frame[0] !== "EVENT") expect(frame).toEqual(["CLOSED", frame[1], LOST]);
  });
});

test("R-06-20 a large subscription whose row is written survives", async () => {
  const { login, prefixOf, expectRows, evict } = inspectedRelay();
  const [a, b] = [await login(alice), await login(bob)];
  await expectEose(a, "large", LARGE);
  await expectRows(`${await prefixOf(a)}large`);
  await evict();
  const event = unique(bob);
  await b.publish(event);
  expect(await a.next()).toEqual(["EVENT", "large", event]);
});

test("R-06-20 a row that is there counts for more than an attachment that says it is not", async () => {
  const { login, inside, metadataOf, prefixOf, expectRows, evict } = inspectedRelay();
  const [a, b] = [await login(alice), await login(bob)];
  await expectEose(a, "large", LARGE);
  const stale = await metadataOf(a);
  await expectRows(`${await prefixOf(a)}large`);
  await inside((state) => socketOf(state, a).serializeAttachment(stale));
  await evict();
  const event = unique(bob);
  await b.publish(event);
  expect(await a.next()).toEqual(["EVENT", "large", event]);
  expect(await a.settled()).toEqual([]);
});
