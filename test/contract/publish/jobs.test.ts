import { expect, test } from "vitest";
import type { Client } from "../../support/client.ts";
import { alice, bob, carol, type Key, unique } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";
import { verdict } from "../../support/stock.ts";

// Jobs, their results and feedback, and who does them: reference section 7.

const OK = [true, ""];
const INVALID = [false, "invalid"];
const JOB = "a".repeat(64);
const E = ["e", JOB];
const P = ["p", alice.pubkey];
const PROCESSING = ["status", "processing"];
const BILL = ["status", "payment-required"];

const REQUEST = ["request", JSON.stringify({ id: JOB })];

type Tags = string[][];

const publish = async (client: Client, kind: number, tags: Tags, content = "x", by: Key = bob) =>
  verdict(await client.publish(unique(by, { kind, tags, content })));

/** Well formed for every level. */
const WHOLE: [name: string, kind: number, tags: Tags, content?: string][] = [
  ["5128, which is no request", 5128, [["i"]]],
  ["6128, which is no result", 6128, []],
  ["7374, which is no feedback", 7374, []],
  ["a recommendation without tags", 31989, []],
  ["a result of a job that is not here", 6050, [E, P, ["request", JSON.stringify({ id: JOB })]]],
  ["a result with an amount", 6999, [E, P, ["amount", "1000"], ["request", JSON.stringify({ id: JOB })]]],
  ["processing", 7000, [E, P, PROCESSING]],
  ["feedback with tags that are no id and no key too", 7000, [["e", "x"], ["p"], E, P, PROCESSING]],
  ["a result with other tags first", 6050, [["e", "x"], E, ["p", "x"], P, ["request", JSON.stringify({ id: JOB })]]],
  ["success with text", 7000, [["status", "success", "done"], E, P]],
  ["partial", 7000, [E, P, ["status", "partial"]]],
  ["error", 7000, [E, P, ["status", "error", "no"], ["x"]]],
  ["a bill with an invoice", 7000, [E, P, BILL, ["amount", "21000", "lnbc210n1"]]],
  [
    "a handler",
    31990,
    [
      ["d", "1"],
      ["k", "5050"],
      ["k", "5051"],
    ],
    '{"name":"x"}',
  ],
  [
    "a handler without content",
    31990,
    [
      ["d", "2"],
      ["k", "65535"],
    ],
    "",
  ],
];

/** Refused by `standard` and `strict`. */
const LACKING: [name: string, kind: number, tags: Tags][] = [
  ["T-133 feedback without e", 7000, [P, PROCESSING]],
  ["T-133 feedback whose e is no id", 7000, [["e", "x"], P, PROCESSING]],
  ["T-133 feedback whose e is in capitals", 7000, [["e", JOB.toUpperCase()], P, PROCESSING]],
  ["T-133 feedback without p", 7000, [E, PROCESSING]],
  ["T-133 feedback whose p is no key", 7000, [E, ["p", "npub1"], PROCESSING]],
  ["T-133 feedback without status", 7000, [E, P]],
  ["T-133 feedback with status done", 7000, [E, P, ["status", "done"]]],
  ["T-133 feedback with a status in capitals", 7000, [E, P, ["status", "Processing"]]],
  ["T-133 a bill without amount", 7000, [E, P, BILL]],
  ["T-133 a bill with an amount that is no number", 7000, [E, P, BILL, ["amount", "1.5"]]],
  ["T-133 a bill with an empty amount", 7000, [E, P, BILL, ["amount"]]],
  ["T-134 a result without e", 6050, [P, REQUEST]],
  ["T-134 a result whose e is no id", 6050, [["e", "job"], P, REQUEST]],
  ["T-134 a result without p", 6050, [E, REQUEST]],
  ["T-135 a handler without d", 31990, [["k", "5050"]]],
  ["T-135 a handler without k", 31990, [["d", "3"]]],
  ["T-135 a handler with a k without value", 31990, [["d", "4"], ["k"]]],
];

/** Of kinds of jobs, but without the shape of one. */
const OTHERS: [name: string, kind: number, tags: Tags][] = [
  ["a zap poll", 6969, [P, ["poll_option", "0", "yes"], ["closed_at", "1"]]],
  ["a zap poll that is a reply", 6969, [E, P, ["poll_option", "0", "yes"]]],
  ["relay data", 6666, [["r", "wss://relay.example.com"]]],
  ["something without tags", 6001, []],
  ["something that names a key", 6050, [P]],
  ["something that names an event", 6050, [E]],
  ["something else of kind 5555", 5555, [["title", "x"]]],
  ["something else of kind 7000", 7000, [["title", "x"]]],
];

/** Refused by `strict` alone. */
const LAX: [name: string, kind: number, tags: Tags, content?: string][] = [
  ["a request without input", 5050, [["param", "x", "y"]]],
  ["an input without type", 5050, [["i", "hello"]]],
  [
    "an input of an unknown type",
    5050,
    [
      ["i", "hello", "text"],
      ["i", "x", "file"],
    ],
  ],
  [
    "a bid that is no number",
    5050,
    [
      ["i", "x", "text"],
      ["bid", "much"],
    ],
  ],
  ["an encrypted request without p", 5050, [["encrypted"]]],
  ["an encrypted request without content", 5050, [["encrypted"], P], ""],
  ["a bill without invoice", 7000, [E, P, BILL, ["amount", "21000"]]],
  ["a bill with an invoice that is none", 7000, [E, P, BILL, ["amount", "21000", "http://x"]]],
  ["feedback with an amount that is no number", 7000, [E, P, PROCESSING, ["amount", "-1"]]],
  ["a result without request", 6050, [E, P]],
  ["a result with a request that is not JSON", 6050, [E, P, ["request", "{"]]],
  ["a result with another request", 6050, [E, P, ["request", '{"id":"x"}']]],
  [
    "a result with an amount that is no number",
    6050,
    [E, P, ["request", JSON.stringify({ id: JOB })], ["amount", "x"]],
  ],
  ["an encrypted result with input", 6050, [E, P, ["request", JSON.stringify({ id: JOB })], ["encrypted"], ["i", "x"]]],
  [
    "a handler of a kind that is none",
    31990,
    [
      ["d", "5"],
      ["k", "65536"],
    ],
  ],
  [
    "a handler of a kind that is no number",
    31990,
    [
      ["d", "6"],
      ["k", "text"],
    ],
  ],
  [
    "a handler whose content is no object",
    31990,
    [
      ["d", "7"],
      ["k", "5050"],
    ],
    "[]",
  ],
];

const strict = () => freshRelay({ DVM_VALIDATION: "strict" });

test("R-07-05 whole events pass every level; a request without tags passes all but strict", async () => {
  for (const relay of [freshRelay(), freshRelay({ DVM_VALIDATION: "off" }), await strict()]) {
    const a = await relay.login(alice);
    for (const [name, kind, tags, content] of WHOLE) {
      expect([name, await publish(a, kind, tags, content)]).toEqual([name, OK]);
    }
  }
  expect(await publish(await freshRelay().login(alice), 5050, [])).toEqual(OK);
});

test.each(LACKING)("R-07-05 %s is invalid, not stored, not sent on", async (_name, kind, tags) => {
  const relay = freshRelay();
  const a = await relay.login(alice);
  await a.req("live", {});
  const event = unique(bob, { kind, tags });
  expect(await a.publish(event)).toEqual(["OK", event.id, false, expect.stringMatching(/^invalid: .* missing$/)]);
  expect(await a.settled()).toEqual([]);
  expect(await a.query({})).toEqual([]);
});

test("R-07-05 what standard refuses, strict refuses too, and off takes", async () => {
  const [off, on] = [freshRelay({ DVM_VALIDATION: "off" }), await strict()];
  const [a, b] = [await off.login(alice), await on.login(alice)];
  for (const [name, kind, tags] of LACKING) {
    expect([name, await publish(a, kind, tags)]).toEqual([name, OK]);
    expect([name, await publish(b, kind, tags)]).toEqual([name, INVALID]);
  }
});

test.each(OTHERS)("R-07-02 %s is an ordinary event, and no job to strict", async (_name, kind, tags) => {
  const [a, b] = [await freshRelay().login(alice), await (await strict()).login(alice)];
  expect(await publish(a, kind, tags)).toEqual(OK);
  expect(await publish(b, kind, tags)).toEqual(INVALID);
});

test("R-07-05 feedback without p is taken where its first e names a stored request", async () => {
  const relay = freshRelay({ PRIVATE_KINDS: "4,5051" });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  const [job, hidden] = [5050, 5051].map((kind) => unique(alice, { kind, tags: [["i", "x", "text"]] }));
  const note = unique(alice);
  for (const event of [job, hidden, note]) await a.publish(event);
  const about = (event: { id: string } | undefined, ...more: Tags): Tags => [
    ["e", event?.id ?? ""],
    ...more,
    PROCESSING,
  ];
  expect(await publish(b, 7000, about(job))).toEqual(OK);
  expect(await publish(b, 7000, [["e", "x"], ...about(job)])).toEqual(OK);
  expect(await publish(b, 7000, about(job, ["p", "npub1"]))).toEqual(OK);
  expect(await publish(b, 7000, [E, ...about(job)])).toEqual(INVALID);
  for (const other of [hidden, note, { id: JOB }]) expect(await publish(b, 7000, about(other))).toEqual(INVALID);
  // A bill needs its amount all the same, and a result its customer.
  expect(await publish(b, 7000, [["e", job?.id ?? ""], BILL])).toEqual(INVALID);
  expect(await publish(b, 6050, [["e", job?.id ?? ""], REQUEST])).toEqual(INVALID);
});

test("R-07-05 R-01-09 a request and feedback without p are sent without waiting", async () => {
  const a = await freshRelay().login(alice);
  const job = unique(alice, { kind: 5050, tags: [["i", "x", "text"]] });
  const feedback = unique(alice, { kind: 7000, tags: [["e", job.id], PROCESSING] });
  for (const event of [job, feedback]) a.send(["EVENT", event]);
  expect([verdict(await a.next()), verdict(await a.next())]).toEqual([OK, OK]);
});

test("R-07-05 R-07-06 what strict alone refuses", async () => {
  const [a, b] = [await freshRelay().login(alice), await (await strict()).login(alice)];
  for (const [name, kind, tags, content] of LAX) {
    expect([name, await publish(a, kind, tags, content)]).toEqual([name, OK]);
    expect([name, await publish(b, kind, tags, content)]).toEqual([name, INVALID]);
  }
  expect(await publish(b, 5050, [["encrypted"], P], "?iv=")).toEqual(OK);
});

test("R-07-03 R-07-05 strict holds a result against its request, where that is here", async () => {
  const a = await (await strict()).login(alice);
  const job = unique(alice, { kind: 5050, tags: [["i", "x", "text"]] });
  const secret = unique(alice, { kind: 5050, tags: [["encrypted"], ["p", bob.pubkey]] });
  const note = unique(alice);
  for (const event of [job, secret, note]) expect(verdict(await a.publish(event))).toEqual(OK);
  const result = ({ id }: { id: string }, more: Tags = [P]): Tags => [
    ["e", id],
    ...more,
    ["request", JSON.stringify({ id })],
  ];
  expect(await publish(a, 6051, result(job))).toEqual(INVALID);
  expect(await publish(a, 6050, result(note))).toEqual(INVALID);
  expect(await publish(a, 6050, result(job, [["p", carol.pubkey]]))).toEqual(INVALID);
  expect(await publish(a, 6050, result(secret, [P, ["i", "x", "text"]]))).toEqual(INVALID);
  for (const one of [job, secret]) expect(await publish(a, 6050, result(one))).toEqual(OK);
  // Without the request it is taken at its word.
  await a.publish(unique(alice, { kind: 5, tags: [["e", job.id]] }));
  expect(await publish(a, 6051, result(job, [["p", carol.pubkey]]))).toEqual(OK);
});

test("R-07-05 R-05-29 strict says nothing about a request of a private kind", async () => {
  const a = await freshRelay({ DVM_VALIDATION: "strict", PRIVATE_KINDS: "4,5050" }).login(alice);
  const job = unique(alice, { kind: 5050, tags: [["i", "x", "text"]] });
  await a.publish(job);
  const tags = [
    ["e", job.id],
    ["p", carol.pubkey],
    ["request", JSON.stringify({ id: job.id })],
  ];
  expect(await publish(a, 6051, tags)).toEqual(OK);
});

test("R-07-05 R-05-29 strict says nothing about a request to who may write and not read", async () => {
  const variables = { DVM_VALIDATION: "strict", READ_ACCESS: "allowed", WRITE_ACCESS: "authenticated" };
  const relay = freshRelay({ ...variables, RELAY_PUBKEY: alice.pubkey });
  const job = unique(alice, { kind: 5050, tags: [["i", "x", "text"]] });
  const operator = await relay.login(alice);
  await operator.publish(job);
  const tags = [
    ["e", job.id],
    ["p", carol.pubkey],
    ["request", JSON.stringify({ id: job.id })],
  ];
  expect((await publish(operator, 6050, tags))[0]).toBe(false);
  expect(await publish(await relay.login(bob), 6050, tags)).toEqual(OK);
});

/** Logs in and subscribes. */
async function listener(relay: TestRelay, by: Key, filter: Record<string, unknown>): Promise<Client> {
  const client = await relay.login(by);
  await client.req("live", filter);
  return client;
}

test("T-132 R-07-04 R-06-34 R-06-35 R-07-14 R-07-15 R-07-16 a job from announcement to result, each live at the right peer", async () => {
  const relay = freshRelay();
  const job = unique(alice, {
    kind: 5050,
    tags: [
      ["i", "hello", "text"],
      ["p", bob.pubkey],
    ],
  });
  const other = unique(carol, { kind: 5050 });
  const about = [["e", job.id], P];
  // The buyer subscribes before the job is published.
  const buyer = await listener(relay, alice, { kinds: [6050, 7000], "#e": [job.id], "#p": [alice.pubkey] });
  const announcements = await listener(relay, alice, { kinds: [31990], "#k": ["5050"] });
  const provider = await listener(relay, bob, { kinds: [5050], "#p": [bob.pubkey] });
  const anyProvider = await listener(relay, carol, { kinds: [5050] });
  const elsewhere = await listener(relay, carol, { kinds: [6051, 7001] });
  const handler = unique(bob, {
    kind: 31990,
    tags: [
      ["d", "x"],
      ["k", "5050"],
    ],
    content: "{}",
  });
  const bill = unique(bob, { kind: 7000, tags: [...about, BILL, ["amount", "1000"]] });
  const result = unique(bob, { kind: 6050, tags: about, content: "HELLO" });
  const foreign = unique(bob, {
    kind: 6050,
    tags: [
      ["e", other.id],
      ["p", carol.pubkey],
    ],
  });
  const expectLive = async (client: Client, event: unknown) =>
    expect(await client.next(5000)).toEqual(["EVENT", "live", event]);
  expect(verdict(await provider.publish(handler))).toEqual(OK);
  await expectLive(announcements, handler);
  expect(verdict(await buyer.publish(job))).toEqual(OK);
  for (const client of [provider, anyProvider]) await expectLive(client, job);
  // One without p reaches everybody who asks for the kind.
  expect(verdict(await anyProvider.publish(other))).toEqual(OK);
  await expectLive(anyProvider, other);
  for (const event of [bill, foreign, result]) expect(verdict(await provider.publish(event))).toEqual(OK);
  await expectLive(buyer, bill);
  await expectLive(buyer, result);
  for (const client of [buyer, provider, anyProvider, elsewhere, announcements])
    expect(await client.settled()).toEqual([]);
  // Who subscribes just after gets them from the store.
  const late = await relay.login(alice);
  const { events } = await late.req("late", { kinds: [6050, 7000], "#e": [job.id] });
  expect(events.map(({ id }) => id).sort()).toEqual([bill.id, result.id].sort());
});

test("T-135 R-07-13 a handler replaces its older version only, and is found by its kinds", async () => {
  const a = await freshRelay().login(alice);
  const handler = (d: string, kinds: string[], created_at: number) =>
    unique(bob, { kind: 31990, created_at, tags: [["d", d], ...kinds.map((kind) => ["k", kind])] });
  const [old, current, other] = [
    handler("x", ["5050", "5051"], 1000),
    handler("x", ["5050"], 2000),
    handler("y", ["5052"], 1500),
  ] as const;
  for (const event of [old, current, other]) expect(verdict(await a.publish(event))).toEqual(OK);
  const found = async (kind: string) => (await a.query({ kinds: [31990], "#k": [kind] })).map(({ id }) => id);
  expect(await found("5050")).toEqual([current.id]);
  expect(await found("5051")).toEqual([]);
  expect(await found("5052")).toEqual([other.id]);
});
