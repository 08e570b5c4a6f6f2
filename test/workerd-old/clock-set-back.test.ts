import { afterEach, expect, test, vi } from "vitest";
import type { Connection } from "../../src/relay/connection.ts";
import type { Clock } from "../../src/relay/ports.ts";
import { SyncSession } from "../../src/relay/read/sync-session.ts";
import { inspectedRelay } from "../cloudflare/inspect.ts";
import { alice, unique } from "../support/keys.ts";
import { relayWith } from "./stocked.ts";

const HOUR = 3600;

const realNow = Date.now;

/** The clock of the relay, and of its clients, is off by so many seconds. Alarms ring by the true one. */
function setOffset(seconds: number): void {
  Date.now = () => realNow() + seconds * 1000;
}

afterEach(() => {
  Date.now = realNow;
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("R-01-23 a clock that is set back or forward locks nobody out of a rate", async () => {
  const relay = await relayWith({ LIMIT_EVENT: "connection:1/3" });
  const a = await relay.login(alice);
  const burst = async () => {
    const oks = [];
    for (let n = 0; n < 6; n++) oks.push(await a.publish(unique(alice)));
    return oks.filter((ok) => ok[2] === true).length;
  };
  for (const off of [0, HOUR, -HOUR, 0]) {
    setOffset(off);
    expect(await burst()).toBeGreaterThanOrEqual(3);
    expect(await burst()).toBeLessThan(6);
  }
});

test("R-05-62 failed attempts are forgotten although the clock was set back", async () => {
  const relay = inspectedRelay();
  setOffset(HOUR);
  const stranger = await relay.connect();
  for (let n = 0; n < 11; n++) expect((await stranger.auth(alice, "wss://elsewhere.example"))[2]).toBe(false);
  expect((await stranger.auth(alice))[3]).toMatch(/^rate-limited: /);
  setOffset(0);
  expect((await stranger.auth(alice))[2]).toBe(true);
});

test("AUTH_TIMEOUT who does not log in is closed although the clock was set back", async () => {
  const relay = await relayWith({ AUTH_TIMEOUT: "3" });
  setOffset(HOUR);
  const member = await relay.login(alice);
  const early = await relay.connect();
  await sleep(1500);
  setOffset(0);
  const late = await relay.connect();
  await sleep(2000);
  expect([early.closed, late.closed]).toEqual([undefined, undefined]);
  await vi.waitFor(() => expect([early.closed?.code, late.closed?.code]).toEqual([1008, 1008]), 8000);
  expect((await member.req("s", {})).end[0]).toBe("EOSE");
});

test("R-05-44 a session is idle although the clock was set back", () => {
  let now = 1_700_000_000;
  const clock = { nowSeconds: () => now } as Clock;
  const session = new SyncSession({} as Connection, "s", clock);
  now -= 3600;
  expect(session.isIdle(60)).toBe(false);
  now += 61;
  expect(session.isIdle(60)).toBe(true);
});
