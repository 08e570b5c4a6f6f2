import { expect, test } from "vitest";
import { openedBy } from "../../cli/data/opened.ts";

const closed = { private_kinds: [4, 1059], read: "members", write: "members" };

test.each([
  [closed, []],
  [{ ...closed, private_kinds: [4, 14, 1059] }, []],
  [{ ...closed, private_kinds: [4] }, ["does not keep private: kinds 1059"]],
  [{ ...closed, read: "listed" }, ["may be read by more: READ_ACCESS is listed, and was members"]],
  [{ ...closed, write: "allowed" }, ["may be written to by more: WRITE_ACCESS is allowed, and was members"]],
  [{ private_kinds: [4, 1059] }, [expect.stringMatching(/^may be read/), expect.stringMatching(/^may be written/)]],
])("R-05-81 a relay with %o opens what another kept: %o", (to, opened) => {
  expect(openedBy(to, closed)).toEqual(opened);
});

test("R-05-81 every relay opens what a bundle does not say, and none what was open", () => {
  expect(openedBy(closed, {})).toHaveLength(3);
  expect(openedBy(closed, { private_kinds: [4], read: "open", write: "authenticated" })).toEqual([]);
});
