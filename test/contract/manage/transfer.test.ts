import { describe, expect, test } from "vitest";
import { admin, alice, bob, now, signed, unique } from "../../support/keys.ts";
import { type Answer, authorization, headerOf, post } from "../../support/manage.ts";
import { managedRelay, publishOne } from "../../support/managed.ts";
import { self } from "../../support/member-relay.ts";

interface Page {
  events: string;
  count: number;
  next?: number;
  position: number;
}

interface Imported {
  stored: number;
  duplicates: number;
  refused: [line: number, reason: string][];
  position: number;
}

type Call = (method: string, ...params: unknown[]) => Promise<Answer>;
type Sent = ReturnType<typeof signed>;

const linesOf = (events: readonly unknown[]) => events.map((event) => JSON.stringify(event)).join("\n");

/** Everything, by as many pages as it takes. */
async function exported(call: Call, kinds: number[] = []): Promise<{ events: Sent[]; pages: number }> {
  const events: Sent[] = [];
  let after: number | undefined;
  for (let pages = 1; ; pages++) {
    const page = (await call("exportevents", after, kinds)).result as Page;
    const lines = page.events.split("\n").slice(0, -1);
    expect(lines).toHaveLength(page.count);
    events.push(...lines.map((line) => JSON.parse(line) as Sent));
    if (page.next === undefined) return { events, pages };
    after = page.next;
  }
}

async function imported(call: Call, ...events: unknown[]): Promise<Imported> {
  const { result, error } = await call("importevents", linesOf(events));
  expect(error).toBeUndefined();
  return result as Imported;
}

describe("R-05-77 an export", () => {
  test("has what is stored in the order in which it came, and private kinds only if they are named", async () => {
    const { call, login } = managedRelay();
    const client = await login(alice);
    const [one, wrap, two] = [unique(alice), unique(alice, { kind: 1059, tags: [["p", bob.pubkey]] }), unique(alice)];
    for (const event of [one, wrap, two]) expect((await client.publish(event))[2]).toBe(true);
    expect((await exported(call)).events).toEqual([one, two]);
    expect((await exported(call, [4])).events).toEqual([one, two]);
    expect((await exported(call, [4, 1059])).events).toEqual([one, wrap, two]);
  });

  test("goes on behind a position, page by page, and sees what comes meanwhile", async () => {
    const { call, login } = managedRelay();
    const client = await login(alice);
    const large = Array.from({ length: 8 }, (_, i) => unique(alice, { content: `${i}`.repeat(200_000) }));
    for (const event of large) await client.publish(event);
    const first = (await call("exportevents")).result as Page;
    expect(first.next).toBeGreaterThan(0);
    expect(first.count).toBeLessThan(8);
    const late = await publishOne(client);
    const rest = (await call("exportevents", first.next)).result as Page;
    expect(rest.next).toBeUndefined();
    const ids = (first.events + rest.events)
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).id);
    expect(ids).toEqual([...large, late].map(({ id }) => id));
  });

  test("leaves out what is deleted, replaced, banned or expired", async () => {
    const { call, login, setTime } = managedRelay();
    const client = await login(alice);
    const time = now();
    setTime(time);
    const [gone, banned, old] = [unique(alice), unique(alice), unique(alice, { kind: 0, created_at: time - 5 })];
    const short = unique(alice, { tags: [["expiration", String(time + 10)]] });
    const deletion = unique(alice, { kind: 5, tags: [["e", gone.id]] });
    const newer = unique(alice, { kind: 0, created_at: time });
    for (const event of [gone, banned, old, short, deletion, newer]) await client.publish(event);
    await call("banevent", banned.id);
    expect((await exported(call)).events).toEqual([short, deletion, newer]);
    setTime(time + 10);
    expect((await exported(call)).events).toEqual([deletion, newer]);
  });

  test("is for operators only, and recorded once an hour for each choice of kinds", async () => {
    const { call, as } = managedRelay();
    await call("grantadmin", alice.pubkey);
    for (const method of ["exportevents", "importevents"]) {
      expect((await as(alice)(method)).status).toBe(403);
      expect((await call("grantadmin", bob.pubkey, [method])).error).toMatch(/^invalid: /);
    }
    for (const kinds of [[], [4], [], [4]]) await exported(call, kinds);
    await imported(call, unique(bob));
    await imported(call, unique(bob));
    const audit = (await call("listaudit")).result as { method: string; params: unknown }[];
    expect(
      audit
        .map(({ method, params }) => [method, params])
        .reverse()
        .slice(1),
    ).toEqual([
      ["exportevents", [null, []]],
      ["exportevents", [null, [4]]],
      ["importevents", []],
    ]);
  });

  test.for([["-1"], [1.5], [null, "4"], [null, [70_000]], [null, [-1]]])(
    "refuses the parameters %j",
    async (params) => {
      const { call } = managedRelay();
      expect((await call("exportevents", ...params)).error).toMatch(/^invalid: /);
    },
  );
});

describe("R-05-78 an import", () => {
  test("takes what the rules of publishing refuse", async () => {
    const { call, login } = managedRelay({
      WRITE_ACCESS: "allowed",
      READ_ACCESS: "authenticated",
      CREATED_AT_LOWER_LIMIT: "1000",
      RETENTION: "1:0,2:1000",
      ALLOWED_KINDS: "1",
      MIN_POW: "20",
      DVM_VALIDATION: "strict",
      LIMIT_EVENT: "key:1/1",
    });
    const events = [
      unique(bob, { created_at: 1_600_000_000 }),
      unique(bob, { tags: [["-"]] }),
      unique(bob, { created_at: now() + 100_000 }),
      unique(bob, { kind: 7000 }),
      unique(bob, { kind: 30_023, tags: [["d", "x"]] }),
    ];
    expect(await imported(call, ...events)).toEqual({ stored: 5, duplicates: 0, refused: [], position: 5 });
    expect(await imported(call, ...events)).toEqual({ stored: 0, duplicates: 5, refused: [], position: 5 });
    const client = await login(alice);
    expect(await client.query({ ids: events.map(({ id }) => id) })).toHaveLength(5);
  });

  test("refuses what is wrong, banned, deleted, replaced, expired or never stored, by line and reason", async () => {
    const { call, login } = managedRelay();
    const client = await login(alice);
    const deleted = unique(alice);
    const address = { kind: 0, created_at: now() };
    const lines = [
      unique(bob),
      { ...unique(alice), content: "changed" },
      { ...unique(alice), sig: unique(alice).sig },
      unique(bob, { kind: 20_001 }),
      unique(alice, { tags: [["expiration", "1000"]] }),
      deleted,
      unique(alice, { ...address, created_at: address.created_at - 1 }),
      unique(alice, { kind: 22_242 }),
      unique(alice, { kind: 62, tags: [["relay", "wss://other.example/"]] }),
      "no event",
      unique(alice),
    ];
    await client.publish(unique(alice, { kind: 5, tags: [["e", deleted.id]] }));
    await client.publish(unique(alice, address));
    await call("banpubkey", bob.pubkey);
    const { stored, refused } = await imported(call, ...lines);
    expect(stored).toBe(1);
    expect(refused.map(([line, reason]) => [line, reason.split(":")[0]])).toEqual([
      [0, "blocked"],
      [1, "invalid"],
      [2, "invalid"],
      [3, "invalid"],
      [4, "invalid"],
      [5, "blocked"],
      [6, "duplicate"],
      [7, "invalid"],
      [8, "invalid"],
      [9, "invalid"],
    ]);
    expect((await call("importevents", "{\n\nnull")).result).toMatchObject({
      refused: [
        [0, expect.anything()],
        [2, expect.anything()],
      ],
    });
  });

  test("carries out deletions and requests to vanish, and holds for what comes later", async () => {
    const { call, login } = managedRelay();
    const client = await login(bob);
    const [mine, own] = [unique(alice), unique(bob)];
    await imported(call, mine, own);
    await imported(
      call,
      unique(alice, { kind: 5, tags: [["e", mine.id]] }),
      unique(bob, { kind: 62, tags: [["relay", "ALL_RELAYS"]], created_at: now() + 5 }),
    );
    expect(await client.query({ ids: [mine.id, own.id] })).toEqual([]);
    expect((await imported(call, mine, own)).refused.map(([, reason]) => reason)).toEqual([
      "blocked: deleted by its author",
      "blocked: its author or recipient asked to vanish",
    ]);
  });

  test("takes of the relay's own kinds what the relay has signed", async () => {
    const { call } = managedRelay({ RELAY_SECRET_KEY: Buffer.from(self.secret).toString("hex") });
    const [own, foreign] = [signed(self, { kind: 8000, tags: [["p", bob.pubkey]] }), signed(alice, { kind: 8000 })];
    const { stored, refused } = await imported(call, own, foreign);
    expect([stored, refused]).toEqual([1, [[1, "blocked: kind 8000 is published by the relay alone"]]]);
  });

  test("is sent to nobody; who asks afterwards finds it", async () => {
    const { call, login } = managedRelay();
    const [client, publisher] = [await login(alice), await login(alice)];
    await client.req("s", { kinds: [1] });
    const [quiet, loud] = [unique(bob), unique(alice)];
    await imported(call, quiet);
    expect((await publisher.publish(loud))[2]).toBe(true);
    expect(await client.settled()).toEqual([["EVENT", "s", loud]]);
    expect((await client.query({ kinds: [1] })).map(({ id }) => id)).toEqual(
      expect.arrayContaining([quiet.id, loud.id]),
    );
  });

  test("of more than 20,000 lines is refused", async () => {
    const { call } = managedRelay();
    expect((await call("importevents", "\n".repeat(20_001))).error).toMatch(/^invalid: /);
    expect((await call("importevents", "\n".repeat(20_000))).result).toMatchObject({ stored: 0, refused: [] });
  });
});

test("R-05-78 what is exported and imported elsewhere answers as it did", async () => {
  const [from, to] = [managedRelay(), managedRelay()];
  const client = await from.login(alice);
  const kept = [];
  for (let i = 0; i < 40; i++) {
    const event = unique(alice, {
      kind: [0, 1, 7, 30_023][i % 4] as number,
      created_at: 1_700_000_000 + i,
      tags: [["d", `${i % 3}`]],
    });
    await client.publish(event);
    kept.push(event);
  }
  await client.publish(unique(alice, { kind: 5, tags: [["e", kept[1]?.id ?? ""]] }));
  const { events } = await exported(from.call);
  expect(await imported(to.call, ...events)).toMatchObject({ stored: events.length, refused: [] });
  const other = await to.login(alice);
  for (const filter of [
    {},
    { kinds: [0] },
    { authors: [alice.pubkey], kinds: [1] },
    { "#d": ["1"] },
    { ids: [kept[1]?.id] },
  ]) {
    expect(await other.query(filter)).toEqual(await client.query(filter));
  }
});

test("R-05-71 what authorizes an import is good once, and what authorizes an export as often as it is asked", async () => {
  const { fetch } = managedRelay();
  const statuses = async (method: string, ...params: unknown[]) => {
    const body = JSON.stringify({ method, params });
    const header = headerOf(authorization(admin, body));
    return [(await post(fetch, body, { header })).status, (await post(fetch, body, { header })).status];
  };
  expect(await statuses("importevents", "")).toEqual([200, 401]);
  expect(await statuses("importstate", "access", [])).toEqual([200, 401]);
  expect(await statuses("exportevents")).toEqual([200, 200]);
});
