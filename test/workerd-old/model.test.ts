import { describe, expect, test } from "vitest";
import { BASE_TIME, type Draft, KEYS, Signer } from "../support/model/drafts.ts";
import { furtherSeeds, testSessions } from "../support/model/model.ts";
import { replay } from "../support/model/replay.ts";
import type { Message, Step } from "../support/model/steps.ts";

testSessions(1, 25, Date.now() % 4294967296, ...furtherSeeds());

/** What random sessions have found once, in its shortest form. */
describe("found by a random session", () => {
  const old: Draft = { by: 0, kind: 10002, created_at: BASE_TIME, tags: [], content: "old" };
  const newer: Draft = { ...old, created_at: BASE_TIME + 1, content: "newer" };
  const publish = (draft: Draft): Message => ({ name: "publish", on: 1, verb: "EVENT", draft });

  test("R-01-09 R-04-08 a version is superseded by the message before it, not a duplicate any more", async () => {
    const failure = await replay(1, [
      { name: "send", isPaced: true, messages: [publish(old)] },
      { name: "send", isPaced: false, messages: [publish(newer), publish(old)] },
    ]);
    expect(failure?.reason).toBe(undefined);
  });

  test("R-01-09 R-02-09 a forgery of what the message before has replaced is invalid", async () => {
    const failure = await replay(1, [
      { name: "send", isPaced: true, messages: [publish(old)] },
      { name: "send", isPaced: false, messages: [publish(newer), publish({ ...old, fault: "sig" })] },
    ]);
    expect(failure?.reason).toBe(undefined);
  });

  test.each([{}, { limit: 5 }])("R-05-29 R-05-34 COUNT by id does not count what is hidden, %j", async (more) => {
    const draft: Draft = { by: 0, kind: 4, created_at: BASE_TIME, tags: [], content: "hidden" };
    const ids = [new Signer().sign(draft).id];
    const failure = await replay(1, [
      { name: "send", isPaced: true, messages: [publish(draft)] },
      {
        name: "send",
        isPaced: true,
        messages: [{ name: "count", on: 2, verb: "COUNT", id: "c", filters: [{ ids, ...more }] }],
      },
    ]);
    expect(failure?.reason).toBe(undefined);
  });

  const text: Draft = { by: 0, kind: 1, created_at: BASE_TIME, tags: [], content: "text" };
  const fleeting: Draft = { ...text, kind: 20001 };
  const erasure: Draft = { ...text, kind: 62, tags: [["relay", "ALL_RELAYS"]] };
  const deletionOf = (...tags: string[][]): Draft => ({ ...text, kind: 5, tags });
  const send = (isPaced: boolean, ...drafts: Draft[]): Step => ({
    name: "send",
    isPaced,
    messages: drafts.map(publish),
  });
  const everything: Step = {
    name: "query",
    isPaced: true,
    messages: [{ name: "query", on: 0, verb: "REQ", id: "all", filters: [{}] }],
  };

  test.each(["x", ":"])(
    "R-04-06 R-05-09 the address of a replaceable kind ends with its colon, not with %j",
    async (d) => {
      const deletion = deletionOf(["a", `10002:${KEYS[0]?.pubkey}:${d}`]);
      const failure = await replay(1, [send(true, old), send(true, deletion), everything]);
      expect(failure?.reason).toBe(undefined);
    },
  );

  test.each([
    [1, true],
    [1, false],
    [4, true],
    [4, false],
  ])(
    "R-05-21 what is erased is blocked before it is removed, kind %i, waiting for answers %j",
    async (kind, isPaced) => {
      const erased: Draft = { ...text, kind };
      const failure = await replay(1, [
        send(true, erased),
        send(isPaced, erasure, erased),
        { name: "alarm" },
        everything,
      ]);
      expect(failure?.reason).toBe(undefined);
    },
  );

  test.each([true, false])(
    "R-05-06 R-05-21 an ephemeral event is blocked as others are, waiting for answers %j",
    async (isPaced) => {
      const deletion = deletionOf(["e", new Signer().sign(fleeting).id]);
      const other: Draft = { ...fleeting, content: "other" };
      const failure = await replay(1, [
        everything,
        send(isPaced, fleeting),
        send(isPaced, deletion, fleeting, erasure, other),
      ]);
      expect(failure?.reason).toBe(undefined);
      // Not by what comes after it.
      const early = await replay(1, [everything, send(isPaced, fleeting, deletion, other, erasure)]);
      expect(early?.reason).toBe(undefined);
    },
  );

  test("AUTH_TIMEOUT who has not logged in for a day is gone when the alarm rings, and nobody else", async () => {
    const expiring: Draft = { ...text, tags: [["expiration", String(BASE_TIME + 3600)]] };
    const failure = await replay(131, [
      send(true, expiring),
      { name: "reconnect", on: 2, messages: [] },
      { name: "clock", seconds: 86_400 },
      { name: "alarm" },
      send(true, text),
      everything,
    ]);
    expect(failure?.reason).toBe(undefined);
  });
});
