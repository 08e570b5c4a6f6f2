import { expect, test } from "vitest";
import { admin, alice, signed } from "../../support/keys.ts";
import { authorization, HTTP_URL, headerOf, RPC } from "../../support/manage.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";

const BODY = '{"method":"supportedmethods","params":[]}';

/** Posts the beginning of a body that never ends. */
function postPending(relay: TestRelay, event: object): Promise<Response> {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(BODY.slice(0, 9))),
  });
  const headers = { "Content-Type": RPC, Authorization: headerOf(event) };
  return relay.fetch(HTTP_URL, { method: "POST", body, headers });
}

const right = authorization(admin, BODY);
const other = (tag: string) =>
  signed(admin, {
    kind: 27235,
    tags: right.tags.map(([name, value]) => [name, name === tag ? "x" : value] as string[]),
  });

test.each([
  ["a forged signature", { ...right, sig: "0".repeat(128) }],
  ["another kind", signed(admin, { kind: 1, tags: right.tags })],
  ["another time", authorization(admin, BODY, HTTP_URL, { created_at: right.created_at - 100 })],
  ["another method", other("method")],
  ["another URL", other("u")],
])("R-05-69 no body is awaited of a request with %s", async (_name, event) => {
  expect((await postPending(freshRelay(), event)).status).toBe(401);
});

test("R-05-72 no body is awaited of a key that is no admin's", async () => {
  // On Cloudflare the object knows who is, and the body has been read before it is woken.
  const status = (await postPending(freshRelay(), authorization(alice, BODY))).status;
  expect([403, 408]).toContain(status);
});

test("R-08-08 sixteen bodies are read at a time, further requests get 503; and each has five seconds", async () => {
  const relay = freshRelay();
  const startedMs = Date.now();
  const pending = Array.from({ length: 16 }, () => postPending(relay, authorization(admin, BODY)));
  const settled = Promise.race(pending).then(() => Date.now() - startedMs);
  // Which of them comes last depends on the network: all that are too many are told at once.
  const more = await Promise.race([
    ...pending,
    ...Array.from({ length: 4 }, () => postPending(relay, authorization(admin, BODY))),
  ]);
  expect(more.status).toBe(503);
  expect(more.headers.get("Retry-After")).toBe("1");
  expect(await more.json()).toMatchObject({ error: expect.stringMatching(/^rate-limited: /) });
  expect(await settled).toBeLessThan(20_000);
  const statuses = (await Promise.all(pending)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 408).length).toBeGreaterThanOrEqual(12);
  // All places are free again.
  const headers = { "Content-Type": RPC, Authorization: headerOf(authorization(admin, BODY)) };
  expect((await relay.fetch(HTTP_URL, { method: "POST", body: BODY, headers })).status).toBe(200);
});
