import { expect, test, vi } from "vitest";
import type { Client } from "../support/client.ts";
import { alice, bob, carol, unique } from "../support/keys.ts";
import { expectEose, type InspectedRelay, inspectedRelay, socketOf } from "./inspect.ts";

/** What the runtime does when a connection breaks off without a close frame. */
function breakOff({ inside }: InspectedRelay, client: Client): Promise<void> {
  return inside((state, object) => object.webSocketError(socketOf(state, client)));
}

const DEPARTURES: [string, (relay: InspectedRelay, a: Client) => Promise<void>][] = [
  ["with a close frame", async (_relay, a) => a.close()],
  [
    "with a close frame while the object is away",
    async ({ evict }, a) => {
      await evict();
      a.close();
    },
  ],
  ["without a close frame", breakOff],
  [
    "without a close frame while the object is away",
    async (relay, a) => {
      await relay.evict();
      await breakOff(relay, a);
    },
  ],
];

test.concurrent.for(DEPARTURES)(
  "T-031 R-06-19 R-06-36 A leaves %s: its rows go, B and C are served",
  async ([, leave]) => {
    const relay = inspectedRelay();
    const { login, prefixOf, expectRows } = relay;
    const [a, b, c] = [await login(alice), await login(bob), await login(carol)];
    const [ofA, ofB, ofC] = [await prefixOf(a), await prefixOf(b), await prefixOf(c)];
    for (const id of ["s", "s:1"]) await expectEose(a, id, { kinds: [1] });
    for (const client of [b, c]) await expectEose(client, "s", { kinds: [1] });
    await expectRows(`${ofA}s`, `${ofA}s:1`, `${ofB}s`, `${ofC}s`);
    await leave(relay, a);
    await expectRows(`${ofB}s`, `${ofC}s`);
    const event = unique(bob);
    b.send(["EVENT", event]);
    expect(await b.until(([verb]) => verb === "OK")).toEqual(["OK", event.id, true, ""]);
    for (const client of [b, c]) expect(await client.next()).toEqual(["EVENT", "s", event]);
    await expectRows(`${ofB}s`, `${ofC}s`);
  },
);

test.concurrent("R-06-20 R-06-19 a client that leaves before its row is written leaves none", async () => {
  const { login, inside, prefixOf, expectRows } = inspectedRelay();
  const [a, b] = [await login(alice), await login(bob)];
  await expectEose(a, "s", { kinds: [1] });
  a.close();
  await vi.waitFor(async () => expect(await inside((state) => state.getWebSockets().length)).toBe(1));
  await expectEose(b, "s", { kinds: [1] });
  await expectRows(`${await prefixOf(b)}s`);
});

test.concurrent.for([
  ["in memory", 1000, false],
  ["in memory", 4000, false],
  ["away", 1000, true],
] as const)(
  "R-01-08 with the object %s a close frame of code %i is answered in kind, so that 1006 means abnormal",
  async ([, code, isAway]) => {
    const { login, evict } = inspectedRelay();
    const client = await login(alice);
    if (isAway) await evict();
    client.close(code);
    await vi.waitFor(() => expect(client.closed?.code).toBe(code), { timeout: 3000 });
  },
);
