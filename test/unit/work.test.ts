import { expect, test } from "vitest";
import { checkWork } from "../../src/protocol/pow.ts";
import { leadingZeroBits } from "../../src/protocol/text.ts";
import { parseConfig } from "../../src/relay/config/config.ts";
import { refuseEvent } from "../../src/relay/publish/policy.ts";
import { NO_LISTS, unsigned } from "../support/events.ts";
import { now } from "../support/keys.ts";

const withId = (id: string, tags: string[][] = []) => ({ ...unsigned({ tags }), id: id.padEnd(64, "f") });

test("V-8 R-05-27 difficulty is the number of leading zero bits", () => {
  expect(leadingZeroBits("000006d8c378af1779d2feebc7603a125d99eca0ccf1085959b307f64e5dd358")).toBe(21);
  expect(leadingZeroBits("002f")).toBe(10);
  expect(leadingZeroBits(`${"f".repeat(64)}`)).toBe(0);
  expect(leadingZeroBits(`0${"1".repeat(63)}`)).toBe(7);
  expect(leadingZeroBits(`8${"0".repeat(63)}`)).toBe(0);
  expect(leadingZeroBits("0".repeat(64))).toBe(256);
});

test.each<[string, string, string[][], boolean]>([
  ["15 bits", "0001", [], false],
  ["16 bits", "0000", [], true],
  ["17 bits", "00007", [], true],
  ["16 bits with target 8", "0000", [["nonce", "1", "8"]], false],
  ["16 bits with target 16", "0000", [["nonce", "1", "16"]], true],
  ["16 bits with target 20", "0000", [["nonce", "1", "20"]], true],
  ["16 bits with a target that is no number", "0000", [["nonce", "1", "much"]], false],
  ["16 bits with a nonce without target", "0000", [["nonce", "1"]], true],
  ["15 bits with target 16", "0001", [["nonce", "1", "16"]], false],
])("T-119 R-05-27 MIN_POW 16: %s", (_name, id, tags, isEnough) => {
  const reason = checkWork(withId(id, tags), 16);
  if (isEnough) expect(reason).toBe(undefined);
  else expect(reason).toMatch(/^pow: ./);
});

test("R-05-27 the refusal names both numbers", () => {
  expect(checkWork(withId("0001"), 16)).toBe("pow: difficulty 15 is less than 16");
});

test("R-05-22 R-05-27 a request to vanish needs no work, everything else does", () => {
  const config = parseConfig({ MIN_POW: "16" });
  const refuse = (kind: number, tags: string[][] = []) => {
    const event = { ...unsigned({ kind, tags, created_at: now() }), id: "f".repeat(64) };
    return refuseEvent(
      {
        event,
        tags: [],
        now: now(),
        config,
        access: { config, lists: NO_LISTS },
        authed: new Set(),
        isFull: false,
        find: () => undefined,
      },
      () => undefined,
    );
  };
  expect(refuse(62, [["relay", "ALL_RELAYS"]])).toBe(undefined);
  for (const kind of [0, 1, 5, 1059, 20001, 30023]) expect(refuse(kind)).toMatch(/^pow: /);
});
