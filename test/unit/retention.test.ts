import { expect, test } from "vitest";
import { jobRetention, retentionFacts } from "../../src/protocol/retention.ts";
import { parseConfig } from "../../src/relay/config/config.ts";

test("R-08-04 each kind is stated once, under the rule that decides", () => {
  const facts = (variables: Record<string, string>) => retentionFacts(parseConfig(variables).retention);
  expect(retentionFacts(jobRetention(0, 0))).toEqual([]);
  expect(facts({ RETENTION: "0-65535:60" })).toEqual([{ kinds: [[0, 65535]], time: 60 }]);
  expect(facts({ RETENTION: "60000-99999:60", RETENTION_JOB: "0", RETENTION_RESULT: "0" })).toEqual([
    { kinds: [[60000, 65535]], time: 60 },
  ]);
  expect(facts({ RETENTION: "1:60,2:60,3:0,4:60,1-9:7", RETENTION_JOB: "0", RETENTION_RESULT: "0" })).toEqual([
    {
      kinds: [
        [1, 2],
        [4, 4],
      ],
      time: 60,
    },
    { kinds: [[5, 9]], time: 7 },
  ]);
});
