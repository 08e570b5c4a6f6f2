import { describe, expect, test } from "vitest";
import { alice, now, unique } from "../../support/keys.ts";
import { freshRelay, type TestRelay } from "../../support/relay.ts";

const EMPTY = "6100000200";

async function nipsOf(relay: TestRelay): Promise<number[]> {
  const response = await relay.fetch("/", { headers: { Accept: "application/nostr+json" } });
  return ((await response.json()) as { supported_nips: number[] }).supported_nips;
}

describe("MAX_NEG_RECORDS=200 NEG_TIMEOUT=1 NEG_FRAME_LIMIT=4096", () => {
  const relay = freshRelay({ MAX_NEG_RECORDS: "200", NEG_TIMEOUT: "1", NEG_FRAME_LIMIT: "4096" });

  test("R-08-04 NIP-11 lists 77", async () => {
    expect(await nipsOf(relay)).toContain(77);
  });

  test("R-05-43 R-05-50 200 records in frames of 4096 bytes; 201 are blocked:, with the number allowed", async () => {
    const client = await relay.login(alice);
    for (let i = 0; i < 201; i++) await client.publish(unique(alice, { created_at: now() - i, tags: [["t", "x"]] }));
    const tooBig = ["NEG-ERR", "n", "blocked: this query is too big", 200];
    for (const filter of [{ kinds: [1] }, {}, { "#t": ["x"], authors: [alice.pubkey] }, { limit: 201 }]) {
      expect([filter, await client.ask(["NEG-OPEN", "n", filter, EMPTY])]).toEqual([filter, tooBig]);
      expect((await client.ask(["NEG-MSG", "n", "61"]))[2]).toMatch(/^closed: /);
    }
    const [verb, , hex] = await client.ask(["NEG-OPEN", "n", { limit: 200 }, EMPTY]);
    expect(verb).toBe("NEG-MSG");
    expect((hex as string).length).toBeGreaterThan(2 * 3896);
    expect((hex as string).length).toBeLessThanOrEqual(2 * 4096);
    client.close();
  });

  test("R-05-44 an idle sync ends with closed: after its time, not before; one in use does not", async () => {
    const client = await relay.login(alice);
    await client.ask(["NEG-OPEN", "idle", { kinds: [9] }, EMPTY]);
    await client.ask(["NEG-OPEN", "busy", { kinds: [9] }, EMPTY]);
    const start = Date.now();
    let ended: unknown;
    while (ended === undefined && Date.now() - start < 6000) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const frame = await client.ask(["NEG-MSG", "busy", "61"]);
      if (frame[1] === "idle") ended = frame;
      else expect(frame).toEqual(["NEG-MSG", "busy", "61"]);
    }
    expect(ended).toEqual(["NEG-ERR", "idle", expect.stringMatching(/^closed: /)]);
    expect(Date.now() - start).toBeGreaterThan(1000);
    expect(await client.until(([, id]) => id === "busy")).toEqual(["NEG-MSG", "busy", "61"]);
    expect((await client.ask(["NEG-MSG", "idle", "61"]))[2]).toMatch(/^closed: /);
    client.close();
  });
});

describe("ENABLE_NEGENTROPY=false", () => {
  const relay = freshRelay({ ENABLE_NEGENTROPY: "false" });

  test("R-05-43 R-08-04 sync is refused with error: and not listed", async () => {
    const client = await relay.login(alice);
    const refused = ["NEG-ERR", "n", expect.stringMatching(/^error: /)];
    expect(await client.ask(["NEG-OPEN", "n", {}, EMPTY])).toEqual(refused);
    expect(await client.ask(["NEG-MSG", "n", "61"])).toEqual(refused);
    client.send(["NEG-CLOSE", "n"]);
    expect(await client.settled()).toEqual([]);
    expect(await nipsOf(relay)).not.toContain(77);
    client.close();
  });
});
