import { expect, test } from "vitest";
import { JobBoard, type JobBoardDeps } from "../../src/relay/board/job-board.ts";
import { ALFA, feedback, request, result } from "./ledger/jobs.ts";
import { NOW, Stock } from "./stocked.ts";

test("R-07-17 the numbers of jobs are made once in five seconds, and never of kinds that have become private", () => {
  let made = 0;
  let nowMs = 1_800_000_000_000;
  const privateKinds = new Set<number>();
  const board = new JobBoard({
    config: { privateKinds },
    clock: { nowMs: () => nowMs, nowSeconds: () => Math.floor(nowMs / 1000) },
    store: {
      ledger: { open: () => ({ byKind: new Map(), isWhole: true }) },
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

test("R-07-21 no open job is missing from the numbers where there are more than are looked at", () => {
  const stock = new Stock();
  const fate = (i: number) =>
    i < 100 ? "fresh" : i < 500 ? "processing" : i < 600 ? "error" : i < 2990 ? "late" : "done";
  const kindOf = (i: number) => (i % 3 === 0 ? 5100 : 5050);
  const jobs = Array.from({ length: 3000 }, (_, i) => request({ created_at: NOW - 2 * i, kind: kindOf(i) }));
  const answers = jobs.flatMap((job, i) => {
    if (fate(i) === "done") return [result(job, ALFA)];
    return fate(i) === "processing" || fate(i) === "error" ? [feedback(job, ALFA, fate(i))] : [];
  });
  stock.put(...jobs, ...answers);
  const counted = (kind: number, ...fates: string[]) =>
    jobs.filter((job, i) => job.kind === kind && fates.includes(fate(i))).length;
  const board = new JobBoard({
    config: { privateKinds: new Set() },
    clock: { nowMs: () => NOW * 1000, nowSeconds: () => NOW },
    store: stock.store,
  } as unknown as JobBoardDeps);
  expect(board.summary()).toMatchObject(
    [5050, 5100].map((kind) => ({
      kind,
      open: counted(kind, "fresh", "error", "late"),
      claimed: counted(kind, "processing"),
      late: counted(kind, "late"),
    })),
  );
});
