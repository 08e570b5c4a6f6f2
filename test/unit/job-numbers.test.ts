import { expect, test } from "vitest";
import { JobBoard, type JobBoardDeps } from "../../src/relay/board/job-board.ts";

test("R-07-17 the numbers of jobs are made once in five seconds, and never of kinds that have become private", () => {
  let made = 0;
  let nowMs = 1_800_000_000_000;
  const privateKinds = new Set<number>();
  const board = new JobBoard({
    config: { privateKinds },
    clock: { nowMs: () => nowMs, nowSeconds: () => Math.floor(nowMs / 1000) },
    store: {
      ledger: { open: () => new Map() },
      counts: {
        byKind: () => new Map(),
        tallies() {
          made++;
          return new Map([["s:5050:success", made]]);
        },
      },
    },
  } as unknown as JobBoardDeps);
  const told = () => [board.totals().jobs_by_state, board.summary().map(({ states }) => states)];
  expect([told(), told(), made]).toEqual([[{ success: 1 }, [{ success: 1 }]], [{ success: 1 }, [{ success: 1 }]], 1]);
  nowMs += 5000;
  expect([told(), made]).toEqual([[{ success: 2 }, [{ success: 2 }]], 2]);
  privateKinds.add(5050);
  expect(told()).toEqual([{}, []]);
});
