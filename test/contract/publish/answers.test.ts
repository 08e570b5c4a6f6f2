import { expect, test } from "vitest";
import { alice, bob, now, unique } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

// The form of OK and CLOSED, whatever they say.

const PREFIX = /^[a-z-]+: \S/;

test("R-01-15 OK has four elements and CLOSED three; every refusal begins with a word and a colon", async () => {
  const relay = freshRelay();
  const client = await relay.login(alice);
  const event = unique(alice);
  const list = unique(alice, { kind: 10_002 });
  const events = [
    event,
    event,
    list,
    unique(alice, { kind: 10_002, created_at: now() - 60 }),
    unique(alice, { kind: 20_001 }),
    unique(alice, { kind: 7000 }),
    unique(alice, { tags: [["expiration", String(now() - 9)]] }),
    unique(bob, { tags: [["-"]] }),
    { ...unique(alice), sig: "0".repeat(128) },
    { ...unique(alice), content: "another" },
    { ...unique(alice), kind: -1 },
  ];
  for (const each of events) {
    const ok = await client.ask(["EVENT", each]);
    expect(ok).toEqual(["OK", each.id, expect.any(Boolean), expect.any(String)]);
    if (!(ok[2] === true && ok[3] === "")) expect(ok[3]).toMatch(PREFIX);
  }
  const reads = [
    ["REQ", "x"],
    ["REQ", "x", { kinds: "x" }],
    ["COUNT", "x"],
    ["COUNT", "x", []],
    ["REQ", "x", { search: 1 }],
  ];
  for (const each of reads) {
    expect(await client.ask(each)).toEqual(["CLOSED", "x", expect.stringMatching(PREFIX)]);
  }
});
