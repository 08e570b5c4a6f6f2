import { expect, test } from "vitest";
import { alice, bob, unique } from "../support/keys.ts";
import { freshRelay } from "../support/relay.ts";
import { type Arrival, receiveTogether } from "./one-turn.ts";

/** Longer than a test takes. */
const LONG = { AUTH_GRACE_MS: "10000" };

test("R-01-09 R-01-16 on a busy relay, too, what was parked is served before what comes after AUTH", async () => {
  const relay = freshRelay(LONG);
  const [busy, client] = [await relay.login(bob), await relay.connect()];
  expect(await client.ask(["PING"])).toEqual(["PONG"]);
  const burst = Array.from({ length: 200 }, () => unique(bob));
  await receiveTogether(relay.stub, [
    [client, ["REQ", "s", { limit: 0 }]],
    ...burst.map((event): Arrival => [busy, ["EVENT", event]]),
    [client, ["AUTH", client.authEvent(alice)]],
    [client, ["CLOSE", "s"]],
    [client, ["COUNT", "last", { kinds: [9] }]],
  ]);
  await client.until(([verb]) => verb === "COUNT");
  for (const { id } of burst) await busy.until(([verb, about]) => verb === "OK" && about === id);
  const after = unique(bob);
  await busy.publish(after);
  expect(JSON.stringify(await client.settled())).not.toContain(after.id);
});
