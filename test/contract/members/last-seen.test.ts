import { expect, test } from "vitest";
import { alice, bob, carol, now } from "../../support/keys.ts";
import { memberRelay } from "../../support/member-relay.ts";
import { enlist } from "../../support/stock.ts";

const DAY = 86_400;

interface Listed {
  pubkey: string;
  last_seen_at?: number;
  connected: boolean;
}

test("R-05-87 a member is connected now, or was last seen within a day of what is told, also after a restart", async () => {
  const relay = memberRelay();
  const at = now();
  relay.setTime(at);
  const joined = (ago: number) => JSON.stringify({ at: at - 10 * DAY, seen: at - ago });
  await enlist(
    relay,
    ["member", alice.pubkey, "[]"],
    ["joined", alice.pubkey, joined(DAY)],
    ["member", bob.pubkey, "[]"],
    ["joined", bob.pubkey, joined(DAY - 1)],
    // A version that did not keep it.
    ["member", carol.pubkey, "[]"],
  );
  /** Whether each is connected, and how long ago it was seen. */
  const seen = async () => {
    const members = (await relay.manage("listmembers")) as Listed[];
    const found = (pubkey: string) => members.find((member) => member.pubkey === pubkey);
    return [alice, bob, carol].map(({ pubkey }) => {
      const { connected, last_seen_at } = found(pubkey) ?? {};
      return [connected, last_seen_at && at - last_seen_at];
    });
  };
  const [away, here] = [(ago?: number) => [false, ago], [true, 0]];
  expect(await seen()).toEqual([away(DAY), away(DAY - 1), away()]);
  const clients = [await relay.login(alice), await relay.login(bob, carol)];
  expect(await seen()).toEqual([here, here, here]);
  for (const client of clients) client.close();
  // Within a day of what is noted already nothing is.
  const after = [away(0), away(DAY - 1), away(0)];
  await expect.poll(seen, { timeout: 20_000 }).toEqual(after);
  await relay.restart();
  expect(await seen()).toEqual(after);
});

test("R-05-87 the end of a connection counts, too", async () => {
  const relay = memberRelay();
  const client = await relay.login(alice);
  await relay.manage("addmember", alice.pubkey);
  const listed = async () => ((await relay.manage("listmembers")) as Listed[])[0];
  expect(await listed()).toMatchObject({ connected: true });
  client.close();
  await expect.poll(listed, { timeout: 20_000 }).toMatchObject({ connected: false, last_seen_at: expect.any(Number) });
});

test("R-05-87 of a key that is no member nothing is kept, and of a former one nothing is left", async () => {
  const relay = memberRelay();
  await relay.manage("addmember", alice.pubkey);
  const [client, stranger] = [await relay.login(alice), await relay.login(bob, carol)];
  await relay.manage("removemember", alice.pubkey);
  for (const one of [client, stranger]) one.close();
  (await relay.login(alice)).close();
  await expect
    .poll(async () => ((await relay.manage("keysummary", alice.pubkey)) as { connections: number }).connections)
    .toBe(0);
  const rows = await relay.database((sql) => sql.all("SELECT subject FROM access WHERE list IN ('member', 'joined')"));
  expect(rows).toEqual([]);
});
