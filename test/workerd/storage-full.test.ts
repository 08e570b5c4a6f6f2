import { expect, test } from "vitest";
import { parseConfig } from "../../src/relay/config.ts";
import { admitEvent } from "../../src/relay/policy.ts";
import { alice, bob, now, unique } from "../support/keys.ts";
import type { TestRelay } from "../support/relay.ts";
import { NO_LISTS, relayWith, ringAll, unsigned, verdict } from "./stocked.ts";

const OK = [true, ""];

test("R-02-14 with full storage only what frees room and what is not stored gets in", () => {
  const config = parseConfig({});
  const access = { config, lists: NO_LISTS };
  const admit = (kind: number, isFull: boolean) =>
    admitEvent({
      event: unsigned({ kind, created_at: now(), tags: [["relay", "ALL_RELAYS"]] }),
      tags: [],
      now: now(),
      config,
      access,
      authed: new Set(),
      isFull,
      find: () => undefined,
    });
  for (const kind of [0, 1, 4, 1059, 5050, 30023, 65535]) {
    expect(admit(kind, true)).toMatch(/^error: .*storage is full/);
    expect(admit(kind, false)).toBe(undefined);
  }
  for (const kind of [5, 62, 20001, 21059]) expect(admit(kind, true)).toBe(undefined);
});

async function health(relay: TestRelay): Promise<[number, string]> {
  const response = await relay.stub.fetch("http://relay/health");
  return [response.status, await response.text()];
}

const statistics = async (relay: TestRelay): Promise<unknown> =>
  (await relay.stub.fetch("http://relay/api/stats")).json();

test("R-02-14 R-08-05 R-08-06 MAX_STORAGE: refused when reached, still readable, and open again after a deletion", async () => {
  const relay = await relayWith({ MAX_STORAGE: "1000000" });
  const [a, b] = [await relay.login(alice), await relay.login(bob)];
  expect(await health(relay)).toEqual([200, "ok"]);
  expect(await statistics(relay)).toMatchObject({ storage_full: false });
  const content = "x".repeat(90_000);
  const taken: string[] = [];
  let refused: ReturnType<typeof unique> | undefined;
  while (refused === undefined) {
    const event = unique(alice, { content: content + taken.length });
    const ok = await a.publish(event);
    if (ok[2] === true) taken.push(event.id);
    else {
      expect(ok.slice(2)).toEqual([false, expect.stringMatching(/^error: ./)]);
      refused = event;
    }
    if (taken.length > 20) throw new Error("never full");
  }
  const [status, text] = await health(relay);
  expect(status).toBe(200);
  expect(text).not.toBe("ok");
  expect(text).toMatch(/storage is full.*new events are refused/);
  expect(await statistics(relay)).toMatchObject({ storage_full: true });
  // R-02-14: no broadcast of what was refused; reading and what is not stored go on.
  await b.req("live", { kinds: [1, 20001] });
  expect(verdict(await a.publish(unique(bob)))).toEqual([false, "error"]);
  expect((await b.query({ kinds: [1] })).length).toBe(taken.length);
  expect(verdict(await a.publish(unique(alice, { kind: 20001 })))).toEqual(OK);
  expect(verdict(await a.publish(unique(alice, { kind: 5, tags: taken.slice(0, 3).map((id) => ["e", id]) })))).toEqual(
    OK,
  );
  expect(await health(relay)).toEqual([200, "ok"]);
  expect(verdict(await a.publish(refused))).toEqual(OK);
  // A request to vanish gets in as well, and frees all.
  expect(verdict(await a.publish(unique(alice, { kind: 62, tags: [["relay", "ALL_RELAYS"]] })))).toEqual(OK);
  await ringAll(relay);
  expect(await statistics(relay)).toMatchObject({ storage_full: false });
  expect(verdict(await b.publish(unique(bob)))).toEqual(OK);
});
