import { describe, expect, test } from "vitest";
import type { Filter } from "../support/client.ts";
import { BASE_TIME, type Draft, KEYS, Signer } from "../support/model/drafts.ts";
import type { Action, Settings } from "./actions.ts";
import { signFast } from "./machine/crypto.ts";
import { replay } from "./session.ts";

/** What random sessions have found once, in its shortest form. */

const settings: Settings = {
  seed: 1,
  scale: 1,
  gatherMs: 0,
  canPause: true,
  tellsOfSyncs: false,
  graceMs: 0,
  hibernates: true,
  connections: 3,
};
const settle: Action = { do: "settle" };
const run: Action = { do: "run", times: 1 };
const arrivals = [0, 1, 2].flatMap((on): Action[] => [
  { do: "connect", on },
  { do: "send", message: { name: "login", on, verb: "AUTH", by: on } },
]);

/** Sends one after the other; with `isPaced` each is answered before the next is sent. */
function send(isPaced: boolean, ...drafts: Draft[]): Action[] {
  return drafts.flatMap((draft): Action[] => [
    { do: "send", message: { name: "publish", on: 1, verb: "EVENT", draft } },
    ...(isPaced ? [settle] : []),
  ]);
}

function ask(verb: "REQ" | "COUNT", id: string, ...filters: Filter[]): Action {
  return { do: "send", message: { name: "ask", on: 0, verb, id, filters } };
}

function reasonOf(actions: Action[], changed: Partial<Settings> = {}): string | undefined {
  return replay({ ...settings, ...changed }, [...arrivals, settle, ...actions])?.reason;
}

const text: Draft = { by: 0, kind: 1, created_at: BASE_TIME, tags: [], content: "text" };
const old: Draft = { by: 0, kind: 10002, created_at: BASE_TIME, tags: [], content: "old" };
const newer: Draft = { ...old, created_at: BASE_TIME + 1, content: "newer" };
const fleeting: Draft = { ...text, kind: 20001 };
const erasure: Draft = { ...text, kind: 62, tags: [["relay", "ALL_RELAYS"]] };
const deletionOf = (...tags: string[][]): Draft => ({ ...text, kind: 5, tags });
const idOf = (draft: Draft): string => new Signer(signFast).sign(draft).id;
const everything = ask("REQ", "all", {});

describe("found by a random session, order", () => {
  test("R-01-09 R-04-08 a version is superseded by the message before it, not a duplicate any more", () => {
    expect(reasonOf([...send(true, old), ...send(false, newer, old)])).toBe(undefined);
  });

  test("R-01-09 R-02-09 a forgery of what the message before has replaced is invalid", () => {
    expect(reasonOf([...send(true, old), ...send(false, newer, { ...old, fault: "sig" })])).toBe(undefined);
  });

  test.each([{}, { limit: 5 }])("R-05-29 R-05-34 COUNT by id does not count what is hidden, %j", (more) => {
    const hidden: Draft = { ...text, by: 5, kind: 4 };
    expect(reasonOf([...send(true, hidden), ask("COUNT", "c", { ids: [idOf(hidden)], ...more })])).toBe(undefined);
  });
});

describe("found by a random session, erasure", () => {
  test.each(["x", ":"])("R-04-06 R-05-09 the address of a replaceable kind ends with its colon, not with %j", (d) => {
    const deletion = deletionOf(["a", `10002:${KEYS[0]?.pubkey}:${d}`]);
    expect(reasonOf([...send(true, old), ...send(true, deletion), everything])).toBe(undefined);
  });

  test.each([
    [1, true],
    [1, false],
    [4, true],
    [4, false],
  ])("R-05-21 what is erased is blocked before it is removed, kind %i, waiting for answers %j", (kind, isPaced) => {
    const erased: Draft = { ...text, kind };
    const tick: Action = { do: "tick", ms: 1000 };
    expect(reasonOf([...send(true, erased), ...send(isPaced, erasure, erased), tick, everything])).toBe(undefined);
  });

  test.each([true, false])(
    "R-05-06 R-05-21 an ephemeral event is blocked as others are, waiting for answers %j",
    (isPaced) => {
      const deletion = deletionOf(["e", idOf(fleeting)]);
      const other: Draft = { ...fleeting, content: "other" };
      const actions = [everything, settle, ...send(isPaced, fleeting)];
      expect(reasonOf([...actions, ...send(isPaced, deletion, fleeting, erasure, other)])).toBe(undefined);
      // Not by what comes after it.
      expect(reasonOf([everything, settle, ...send(isPaced, fleeting, deletion, other, erasure)])).toBe(undefined);
    },
  );

  test("R-05-04 R-05-06 a deletion may name ids and addresses", () => {
    const addressed: Draft = { ...old, kind: 30023, tags: [["d", "x"]] };
    const deletion = deletionOf(["e", idOf(text)], ["a", `30023:${KEYS[0]?.pubkey}:x`]);
    expect(reasonOf([...send(true, text, addressed, deletion), everything])).toBe(undefined);
  });

  test("R-06-17 what is committed is not answered with an error because of what comes after it", () => {
    for (let after = 0; after < 40; after++) {
      const fail: Action = { do: "fail", after, times: 50, isCrash: false };
      const other: Draft = { ...text, by: 2 };
      expect(reasonOf([...send(true, text), fail, ...send(false, erasure, other), run, everything])).toBe(undefined);
    }
  });

  test("R-03-14 what is erased while an answer is read ahead does not count for its limit", () => {
    const [erased, kept] = [0, 2].map((by) =>
      Array.from({ length: 10 }, (_, n) => ({ ...text, by, created_at: BASE_TIME - 10 * by, content: `${n}` })),
    ) as [Draft[], Draft[]];
    const own = { ...(ask("REQ", "all", { limit: 10 }) as { message: object }).message, on: 1 };
    const actions = [
      ...send(true, ...erased, ...kept),
      ...send(false, erasure),
      { do: "send", message: own } as Action,
    ];
    expect(reasonOf([...actions, run, { do: "tick", ms: 2 }], { scale: 100 })).toBe(undefined);
  });
});

describe("found by a random session, sockets and clocks", () => {
  test("R-01-16 a REQ that is closed before its answer is begun is not answered", () => {
    const close: Action = { do: "send", message: { name: "close", on: 0, verb: "CLOSE", id: "all" } };
    const crowded: Action = { do: "crowd", on: 0, is: true };
    expect(reasonOf([...send(true, text), crowded, everything, run, close])).toBe(undefined);
  });

  test("R-07-01 what only has the kind of a job is kept for ever, in an answer that takes its time and after it too", () => {
    const noJob: Draft = { ...text, by: 2, kind: 5050, tags: [["alt", "no job"]] };
    const crowded: Action = { do: "crowd", on: 0, is: true };
    const week: Action = { do: "clock", seconds: 604_800 };
    const later: Action = { do: "tick", ms: 2000 };
    expect(reasonOf([...send(true, noJob), week, crowded, everything, run, later])).toBe(undefined);
    expect(reasonOf([crowded, everything, run, ...send(false, noJob), week])).toBe(undefined);
  });

  test.each([0, 1, 2, 3])(
    "R-06-20 what is closed stays closed when write %i of its row fails before the memory is lost",
    (after) => {
      const actions: Action[] = [
        everything,
        settle,
        { do: "fail", after, times: 1, isCrash: false },
        { do: "tick", ms: 1500 },
        { do: "send", message: { name: "close", on: 0, verb: "CLOSE", id: "all" } },
        settle,
        { do: "evict" },
        ...send(true, text),
      ];
      expect(reasonOf(actions)).toBe(undefined);
    },
  );

  test("AUTH_GRACE_MS a clock that is set back does not keep frames waiting", () => {
    const clock: Action = { do: "clock", seconds: -3600 };
    const [connect] = arrivals as [Action];
    const actions = [connect, { do: "tick", ms: 3000 } as const, clock, everything];
    expect(replay({ ...settings, graceMs: 200 }, actions)?.reason).toBe(undefined);
  });

  test("AUTH_TIMEOUT who has not logged in for a day is gone, and nobody else", () => {
    const actions: Action[] = [
      ...send(true, { ...text, tags: [["expiration", String(BASE_TIME + 3600)]] }),
      { do: "leave", on: 2 },
      { do: "connect", on: 2 },
      { do: "clock", seconds: 86_400 },
      { do: "tick", ms: 2000 },
      ...send(true, text),
      everything,
    ];
    expect(reasonOf(actions)).toBe(undefined);
  });
});
