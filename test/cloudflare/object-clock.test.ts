import { afterEach, expect, test, vi } from "vitest";
import { ObjectClock } from "../../src/hosts/cloudflare/object-clock.ts";
import { now } from "../support/keys.ts";
import { inspectedRelay } from "./inspect.ts";

afterEach(() => void vi.restoreAllMocks());

const pause = (clock: ObjectClock, ms = 0): Promise<void> => new Promise((resolve) => clock.soon(ms, resolve));

/** Runs `body` in an object, with a clock of its own and what that has reported. */
const withClock = (
  body: (clock: ObjectClock, reports: string[], state: DurableObjectState) => Promise<void>,
): Promise<void> =>
  inspectedRelay().inside((state) => {
    const reports: string[] = [];
    return body(new ObjectClock(state, (message) => void reports.push(message), now), reports, state);
  });

test("R-06-14 a breath ends whatever is due in it, and that runs then, in its order", () =>
  withClock(async (clock) => {
    const ran: string[] = [];
    clock.soon(60, () => void ran.push("late"));
    clock.soon(0, () => void ran.push("before"));
    clock.breathe();
    clock.soon(0, () => void ran.push("in it"));
    clock.breathe();
    await pause(clock);
    expect(ran).toEqual(["before", "in it"]);
    for (let n = 0; n < 50; n++) {
      if (n % 3 === 0) clock.breathe();
      await pause(clock, n % 2);
    }
    await pause(clock, 60);
    expect(ran).toEqual(["before", "in it", "late"]);
  }));

test.each([true, false])("R-01-10 what is due together runs in turns of its own, after a breath: %s", (isBreath) =>
  withClock(async (clock) => {
    const steps: number[] = [];
    const work = async (n: number) => {
      await pause(clock);
      for (let step = 0; step < 20; step++) {
        steps.push(n);
        await undefined;
      }
    };
    const all = Array.from({ length: 200 }, (_, n) => work(n));
    if (isBreath) clock.breathe();
    await Promise.all(all);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
  }),
);

test("R-06-14 a timed task that fails is reported, and those after it run", () =>
  withClock(async (clock, reports) => {
    clock.soon(0, () => {
      throw new Error("at once");
    });
    clock.soon(0, () => {
      throw new Error("in a turn of its own");
    });
    await pause(clock);
    await pause(clock);
    expect(reports).toEqual(["timed task failed", "timed task failed"]);
  }));

test("R-01-23 a clock that is set back by a day holds no timer up", () =>
  withClock(async (clock) => {
    const paused = pause(clock, 20);
    const real = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => real() - 86_400_000);
    const order: string[] = [];
    clock.soon(10, () => void order.push("soon"));
    await paused.then(() => order.push("paused"));
    expect(order).toEqual(["soon", "paused"]);
  }));

test("R-06-14 under load timers are not cancelled, of which the runtime would keep something", () =>
  withClock(async (clock) => {
    const clear = vi.spyOn(globalThis, "clearTimeout");
    clock.soon(60_000, () => {});
    let rang = 0;
    for (let n = 0; n < 200; n++) {
      clock.soon(3000, () => {});
      clock.soon(n % 3, () => void rang++);
      clock.breathe();
      await pause(clock, 8 + (n % 4));
    }
    await pause(clock, 20);
    expect(rang).toBe(200);
    expect(clear.mock.calls.length).toBeLessThan(10);
  }));

test("R-01-23 a breath comes also when the timer that is overdue does not ring", () =>
  withClock(async (clock, _reports, state) => {
    const ran: string[] = [];
    const paused = pause(clock, 1).then(() => ran.push("overdue"));
    for (const startedAt = performance.now(); performance.now() < startedAt + 3; );
    const breath = vi.spyOn(state, "blockConcurrencyWhile");
    clock.breathe();
    expect(breath).toHaveBeenCalledTimes(0);
    clock.breathe();
    expect(breath).toHaveBeenCalledTimes(1);
    await paused;
    await pause(clock);
    expect(ran).toEqual(["overdue"]);
  }));

test("R-06-14 breaths, timers and long turns at random, three seconds long, are never in each other's way", () =>
  withClock(async (clock) => {
    const below = (count: number) => Math.floor(Math.random() * count);
    const endsAt = performance.now() + 3000;
    let rang = 0;
    const work = async () => {
      while (performance.now() < endsAt) {
        if (below(3) === 0) clock.breathe();
        const busyUntil = performance.now() + (below(10) === 0 ? below(8) : 0);
        while (performance.now() < busyUntil);
        const paused = pause(clock, [0, 0, 1, 1, 2, 5, 6, 7, 20][below(9)]);
        if (below(5) === 0) clock.breathe();
        await paused;
        rang++;
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    expect(rang).toBeGreaterThan(200);
  }));
