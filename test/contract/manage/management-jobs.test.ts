import { describe, expect, test } from "vitest";
import { admin, alice, bob, carol, type Key, signed, unique } from "../../support/keys.ts";
import { caller, HTTP_URL, headerOf } from "../../support/manage.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";

// What operators see of the ledger of jobs (R-07-18, R-07-21), and how.

interface Job {
  id: string;
  state: string;
  [member: string]: unknown;
}

const about = (id: string, customer: Key) => [
  ["e", id],
  ["p", customer.pubkey],
];

/** GET of a path below the relay, authorized for exactly that (NIP-98, no payload). */
async function get(relay: TestRelay, path: string, by: Key | null = admin, signedFor = path) {
  const url = new URL(path, HTTP_URL).href;
  const event =
    by === null
      ? undefined
      : signed(by, {
          kind: 27235,
          tags: [
            ["u", new URL(signedFor, HTTP_URL).href],
            ["method", "GET"],
            ["nonce", crypto.randomUUID()],
          ],
        });
  const response = await relay.fetch(url, event === undefined ? {} : { headers: { Authorization: headerOf(event) } });
  return { response, body: (await response.json()) as Record<string, unknown> & { jobs: Job[]; next?: string } };
}

test("R-07-18 R-07-21 jobs, one job's history and its providers are told to operators, and follow what comes", async () => {
  const relay = freshRelay();
  const call = caller(relay.fetch);
  const client = await relay.login(bob);
  const provider = await relay.login(carol);
  await provider.req("work", { kinds: [5050] });
  await client.publish(
    unique(carol, {
      kind: 31990,
      tags: [
        ["d", "x"],
        ["k", "5050"],
      ],
    }),
  );
  const [one, two] = [1, 2].map(() => unique(alice, { kind: 5050, tags: [["i", "x", "text"]] }));
  if (one === undefined || two === undefined) throw new Error();
  for (const request of [one, two]) await client.publish(request);
  const at = (after: number) => ({ created_at: one.created_at + after });
  const said = [
    unique(carol, { ...at(1), kind: 7000, tags: [["status", "processing", "soon"], ...about(one.id, alice)] }),
    unique(carol, { ...at(5), kind: 6050, content: "done", tags: [...about(one.id, alice), ["amount", "7000"]] }),
  ];
  for (const event of said) expect((await client.publish(event))[2]).toBe(true);
  const { result } = (await call("listjobs")) as { result: { jobs: Job[] } };
  expect(result.jobs.map(({ id }) => id).sort()).toEqual([one.id, two.id].sort());
  const mine = { kind: 5050, customer: alice.pubkey };
  expect(result.jobs.find(({ id }) => id === one.id)).toMatchObject({
    ...mine,
    state: "success",
    provider: carol.pubkey,
    feedback_seconds: 1,
    result_seconds: 5,
    amount_msat: 7000,
  });
  const { result: job } = (await call("job", one.id)) as { result: Job & { timeline: Job[] } };
  expect(job.timeline.map(({ id, role, status, extra }) => ({ id, role, status, extra }))).toEqual([
    { id: one.id, role: "request", status: undefined, extra: "x" },
    { id: said[0]?.id, role: "feedback", status: "processing", extra: "soon" },
    { id: said[1]?.id, role: "result", status: "success", extra: undefined },
  ]);
  expect((await call("job", "f".repeat(64))).result).toBe(null);
  expect((await call("listproviders")).result).toMatchObject({
    providers: [
      {
        pubkey: carol.pubkey,
        kind: 5050,
        handlers: 1,
        connected: true,
        listening: true,
        answered: 1,
        failed: 0,
        success_rate: 1,
        feedback_p50: 1,
        result_p95: 5,
        last_seen_at: one.created_at + 5,
      },
    ],
  });
  expect((await call("jobsummary")).result).toMatchObject([
    { kind: 5050, states: { requested: 1, success: 1 }, open: 1, claimed: 0, handlers: 1, result_p50: 5 },
  ]);
  await client.publish(unique(alice, { kind: 5, tags: [["e", two.id]] }));
  const ofState = async (state: string) =>
    ((await call("listjobs", null, null, { state })).result as { jobs: Job[] }).jobs.map(({ id }) => id);
  expect([await ofState("cancelled"), await ofState("requested"), await ofState("success")]).toEqual([
    [two.id],
    [],
    [one.id],
  ]);
  expect((await call("rebuildjobs")).result).toBe(true);
  await expect.poll(() => ofState("success")).toEqual([one.id]);
  expect(await ofState("cancelled")).toEqual([two.id]);
  await relay.restart();
  expect(await ofState("success")).toEqual([one.id]);
  client.close();
});

test("R-07-21 what is asked wrongly is refused, and who may not ask at all", async () => {
  const relay = freshRelay();
  const call = caller(relay.fetch);
  for (const params of [
    [0],
    [501],
    [10, "x"],
    [10, null, { state: "done" }],
    [10, null, { colour: 1 }],
    [10, null, []],
  ]) {
    expect((await call("listjobs", ...params)).error, JSON.stringify(params)).toMatch(/^invalid: /);
  }
  expect((await call("job", "x")).error).toMatch(/^invalid: /);
  expect((await caller(relay.fetch, bob)("listjobs")).status).toBe(403);
});

describe("R-07-21 GET /api/jobs", () => {
  test("pages, filters and numbers by kind, for an authorization of its URL", async () => {
    const relay = freshRelay();
    const client = await relay.login(bob);
    const requests = Array.from({ length: 5 }, (_, i) =>
      unique(alice, { kind: i === 0 ? 5100 : 5050, tags: [["i", "x", "text"]] }),
    );
    for (const request of requests) await client.publish(request);
    const first = await get(relay, "/api/jobs?limit=3");
    expect(first.response.status).toBe(200);
    expect(first.response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(first.response.headers.get("Cache-Control")).toBe("no-store");
    expect(first.body.jobs.length).toBe(3);
    const rest = await get(relay, `/api/jobs?limit=3&after=${first.body.next}`);
    expect([...first.body.jobs, ...rest.body.jobs].map(({ id }) => id).sort()).toEqual(
      requests.map(({ id }) => id).sort(),
    );
    expect(rest.body.next).toBe(undefined);
    expect(first.body.by_kind).toMatchObject([
      { kind: 5050, states: { requested: 4 }, open: 4 },
      { kind: 5100, states: { requested: 1 }, open: 1 },
    ]);
    expect((await get(relay, "/api/jobs?kind=5100")).body.jobs.map(({ id }) => id)).toEqual([requests[0]?.id]);
    expect((await get(relay, "/api/jobs?state=success")).body.jobs).toEqual([]);
    client.close();
  });

  test("is refused to everybody else", async () => {
    const relay = freshRelay();
    expect((await get(relay, "/api/jobs", null)).response.status).toBe(401);
    expect((await get(relay, "/api/jobs", bob)).response.status).toBe(403);
    // For another URL, and another query.
    expect((await get(relay, "/api/jobs", admin, "/")).response.status).toBe(401);
    expect((await get(relay, "/api/jobs?limit=3", admin, "/api/jobs?limit=4")).response.status).toBe(401);
    const wrong = await get(relay, "/api/jobs?limit=x");
    expect([wrong.response.status, wrong.body.error]).toEqual([400, expect.stringMatching(/^invalid: /)]);
    expect((await relay.fetch(new URL("/api/jobs", HTTP_URL).href, { method: "POST" })).status).toBe(405);
  });
});

test("T-141 R-07-17 /api/stats tells everybody how jobs go, and names nobody", async () => {
  const relay = freshRelay();
  const client = await relay.login(bob);
  const [one, two] = [1, 2].map(() => unique(alice, { kind: 5050, tags: [["i", "x", "text"]] }));
  if (one === undefined || two === undefined) throw new Error();
  await client.publish(
    unique(carol, {
      kind: 31990,
      tags: [
        ["d", "x"],
        ["k", "5050"],
        ["k", "5100"],
      ],
    }),
  );
  for (const request of [one, two]) await client.publish(request);
  await client.publish(unique(carol, { kind: 6050, created_at: one.created_at + 4, tags: about(one.id, alice) }));
  await client.publish(unique(carol, { kind: 7000, tags: [["status", "error"], ...about(two.id, alice)] }));
  const response = await relay.fetch(new URL("/api/stats", HTTP_URL).href);
  const { dvm } = (await response.json()) as { dvm: unknown };
  expect(dvm).toEqual({
    requests: 2,
    requests_by_kind: { 5050: 2 },
    results: 1,
    results_by_kind: { 6050: 1 },
    feedback: 1,
    jobs_by_state: { success: 1, error: 1 },
    handlers: 1,
    handlers_by_kind: { 5050: 1, 5100: 1 },
    median_result_seconds: 4,
  });
  expect(JSON.stringify(dvm)).not.toMatch(/[0-9a-f]{32}/);
  client.close();
});

test("R-05-29 R-07-21 jobs of private kinds are in no list and in no number", async () => {
  const relay = freshRelay({ PRIVATE_KINDS: "5050" });
  const client = await relay.login(alice);
  const job = unique(alice, {
    kind: 5050,
    tags: [
      ["p", carol.pubkey],
      ["i", "x", "text"],
    ],
  });
  // Nobody learns from the answer whether somebody listens.
  expect((await client.publish(job)).slice(2)).toEqual([true, ""]);
  await client.publish(unique(carol, { kind: 6050, tags: about(job.id, alice) }));
  const call = caller(relay.fetch);
  expect((await call("listjobs")).result).toEqual({ jobs: [] });
  expect((await call("job", job.id)).result).toBe(null);
  expect((await call("listproviders")).result).toEqual({ providers: [] });
  expect((await call("jobsummary")).result).toEqual([]);
  const { dvm } = (await (await relay.fetch(new URL("/api/stats", HTTP_URL).href)).json()) as { dvm: object };
  expect(dvm).toMatchObject({ requests: 0, jobs_by_state: {}, median_result_seconds: null });
  client.close();
});

test("R-05-73 R-07-21 only operators rebuild the ledger, and the record has it", async () => {
  const relay = freshRelay();
  const call = caller(relay.fetch);
  expect((await call("grantadmin", bob.pubkey)).result).toBe(true);
  expect((await caller(relay.fetch, bob)("rebuildjobs")).status).toBe(403);
  expect((await call("rebuildjobs")).result).toBe(true);
  const { result } = (await call("listaudit")) as { result: object[] };
  expect(result[0]).toMatchObject({ method: "rebuildjobs", pubkey: admin.pubkey, params: [] });
});

test("R-05-29 R-07-21 a provider is not found by evidence of a private kind", async () => {
  const relay = freshRelay({ PRIVATE_KINDS: "6051" });
  const client = await relay.login(carol);
  const job = unique(alice, { kind: 5050, tags: [["i", "x", "text"]] });
  await client.publish(job);
  await client.publish(unique(carol, { kind: 6051, tags: about(job.id, alice) }));
  await client.publish(unique(bob, { kind: 6050, tags: about(job.id, alice) }));
  const foundBy = async (provider: Key) =>
    (await caller(relay.fetch)("listjobs", null, null, { provider: provider.pubkey })).result;
  expect(await foundBy(bob)).toMatchObject({ jobs: [{ id: job.id }] });
  expect(await foundBy(carol)).toEqual({ jobs: [] });
  client.close();
});

test("R-07-18 R-05-74 a job whose request is banned is told no more, also where the request was deleted before", async () => {
  const relay = freshRelay();
  const call = caller(relay.fetch);
  const client = await relay.login(alice);
  const requests = [1, 2, 3].map(() => unique(alice, { kind: 5050, tags: [["i", "x", "text"]] }));
  const [deleted, stored, left] = requests.map(({ id }) => id);
  for (const request of requests) expect((await client.publish(request))[2]).toBe(true);
  await client.publish(unique(alice, { kind: 5, tags: [["e", deleted ?? ""]] }));
  const listed = async () => ((await call("listjobs")).result as { jobs: Job[] }).jobs.map(({ id }) => id).sort();
  expect(await listed()).toEqual(requests.map(({ id }) => id).sort());
  for (const id of [deleted, stored]) expect((await call("banevent", id)).result).toBe(true);
  expect(await listed()).toEqual([left]);
  // Erased, it does not come back with the ban's end.
  await call("setsetting", "BAN_ERASE_AFTER", 0);
  for (const id of [deleted, stored]) {
    await call("unbanevent", id);
    await call("banevent", id);
  }
  await expect.poll(async () => (await call("stats")).result).toMatchObject({ events_total: 2 });
  for (const id of [deleted, stored]) await call("unbanevent", id);
  await expect.poll(listed).toEqual([left]);
});

test("R-05-72 R-08-08 without management there are no jobs either", async () => {
  const relay = freshRelay({ ENABLE_MANAGEMENT: "false" });
  const answers = ["GET", "HEAD", "POST", "OPTIONS"].map(
    async (method) => (await relay.fetch(new URL("/api/jobs", HTTP_URL).href, { method })).status,
  );
  expect(await Promise.all(answers)).toEqual([404, 404, 404, 404]);
});

test("R-01-01 /api/jobs is for pages of ALLOWED_ORIGINS only", async () => {
  const relay = freshRelay({ ALLOWED_ORIGINS: "https://page.example" });
  const statusFor = async (origin: string) =>
    (await relay.fetch(new URL("/api/jobs", HTTP_URL).href, { headers: { Origin: origin } })).status;
  expect([await statusFor("https://page.example"), await statusFor("https://other.example")]).toEqual([401, 403]);
});

test("R-08-03 T-140 a page of another origin may ask for everything: preflights and answers have the headers", async () => {
  const relay = freshRelay();
  const origin = { Origin: "https://page.example" };
  const wanted = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
    "access-control-allow-headers": "Authorization, Content-Type, Accept",
  };
  for (const path of ["/", "/health", "/health/ready", "/api/stats", "/api/jobs"]) {
    const url = new URL(path, HTTP_URL).href;
    const ask = { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization" };
    const preflight = await relay.fetch(url, { method: "OPTIONS", headers: { ...origin, ...ask } });
    expect([path, preflight.status, Object.fromEntries(preflight.headers)]).toMatchObject([path, 204, wanted]);
    const answer = await relay.fetch(url, { headers: { ...origin, Accept: "application/nostr+json" } });
    expect([path, Object.fromEntries(answer.headers)]).toMatchObject([path, wanted]);
    await answer.body?.cancel();
  }
  const refused = await relay.fetch(HTTP_URL, {
    method: "POST",
    headers: { ...origin, "Content-Type": "application/nostr+json+rpc", Authorization: "Nostr x" },
    body: "{}",
  });
  expect([refused.status, Object.fromEntries(refused.headers)]).toMatchObject([401, wanted]);
});
