import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, unique } from "../support/keys.ts";
import { openClient, type Server, startServer } from "../support/server.ts";

/** The runtime takes an object out of memory that has had nothing to do for 10 s. */
const IDLE_MS = 14_000;
const PING_MS = 2_000;

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

async function uptime(): Promise<number> {
  const response = await fetch(`${server.httpUrl}/api/stats`);
  return ((await response.json()) as { uptime_seconds: number }).uptime_seconds;
}

test("T-033 R-06-08 R-06-10 R-06-12 an idle relay sleeps although clients ping, and wakes with all it had", async () => {
  const a = await openClient(server.url);
  const b = await openClient(server.url);
  expect((await a.auth(alice, server.url))[2]).toBe(true);
  expect((await b.auth(bob, server.url))[2]).toBe(true);
  expect((await a.req("s:1", { kinds: [1] })).end[0]).toBe("EOSE");
  for (let waited = 0; waited < IDLE_MS; waited += PING_MS) {
    await new Promise((resolve) => setTimeout(resolve, PING_MS));
    a.send("ping");
    expect(await a.nextText()).toBe("pong");
  }
  // It has been woken by this very question.
  expect(await uptime()).toBeLessThan(3);
  const event = unique(bob);
  expect(await b.publish(event)).toEqual(["OK", event.id, true, ""]);
  expect(await a.next()).toEqual(["EVENT", "s:1", event]);
});
