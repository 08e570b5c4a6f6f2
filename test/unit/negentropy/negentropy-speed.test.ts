import { describe, expect, test } from "vitest";
import { RecordsBuilder } from "../../../src/protocol/negentropy/builder.ts";
import { initiate, respond } from "../../../src/protocol/negentropy/negentropy.ts";
import type { Records } from "../../../src/protocol/negentropy/records.ts";
import { MessageWriter } from "../../../src/protocol/negentropy/writer.ts";
import { Meter } from "../../../src/protocol/work.ts";
import { FRAME_LIMIT, randomId, recordsOf, seeded } from "../../support/sync/neg-pairs.ts";

/** The clock of workerd stands still between events; after this it is right. */
async function clock(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  return performance.now();
}

describe("500,000 records", () => {
  const COUNT = 500_000;

  /** Builds from random records of random or descending times; returns them with the times it took, in ms. */
  async function build(sorted: boolean): Promise<{ records: Records; add: number; all: number; longest: number }> {
    const random = seeded(500);
    const builder = new RecordsBuilder();
    const start = await clock();
    for (let i = 0; i < COUNT; i++) {
      builder.add(sorted ? 1_800_000_000 - i * 7 : 1_700_000_000 + (random() % 9_000_000), randomId(random));
    }
    const added = await clock();
    let longest = 0;
    const steps = builder.building(new Meter());
    for (let before = added; ; ) {
      const { done, value } = steps.next();
      const after = await clock();
      longest = Math.max(longest, after - before);
      before = after;
      if (done) return { records: value, add: added - start, all: after - added, longest };
    }
  }

  async function timed(records: Records, message: Uint8Array): Promise<[milliseconds: number, answer: Uint8Array]> {
    const start = await clock();
    const answer = respond(records, message, FRAME_LIMIT);
    if ("error" in answer) throw new Error(answer.error);
    return [(await clock()) - start, answer];
  }

  for (const sorted of [true, false]) {
    test(`R-05-42 R-05-47 in short stretches, ${sorted ? "newest first" : "in no order"}`, async () => {
      const { records, add, all, longest } = await build(sorted);
      expect(records.size).toBe(COUNT);
      const smaller = recordsOf([[1_700_000_000, "ab".repeat(32)]]);
      const [first] = await timed(records, initiate(records));
      const [full, ids] = await timed(records, initiate(smaller));
      // As many ranges as 256 KiB hold, each with one record and its own fingerprint.
      const writer = new MessageWriter();
      for (let i = 1; writer.length < 262_000; i++) {
        writer.fingerprint(records.exactBound(i), records.fingerprint(i - 1, i));
      }
      const narrow = writer.finish();
      const [worst] = await timed(records, narrow);
      // The smallest ranges: Skips of one second each.
      const skips = new Uint8Array(262_000);
      skips[0] = 0x61;
      for (let i = 1; i + 3 <= skips.length; i += 3) skips[i] = 2;
      const [skipped] = await timed(records, skips);
      console.log(
        `500,000 records, ${sorted ? "newest first" : "in no order"}: added in ${add} ms, built in ${all} ms, ` +
          `longest stretch ${longest} ms; equal sets in ${first} ms, ${ids.length} bytes of ids in ${full} ms, ` +
          `${narrow.length} bytes of narrow fingerprints in ${worst} ms, 87,333 skips in ${skipped} ms`,
      );
      expect(longest).toBeLessThan(1500);
      for (const milliseconds of [first, full]) expect(milliseconds).toBeLessThan(1500);
      for (const milliseconds of [worst, skipped]) expect(milliseconds).toBeLessThan(8000);
    });
  }
});
