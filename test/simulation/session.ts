import { Random } from "../support/random.ts";
import type { Action, Settings } from "./actions.ts";
import { finalActions, nextActions, settingsOf } from "./generate.ts";
import { Simulation } from "./simulation.ts";

/** How long a failing session is made shorter, in milliseconds. */
const SHRINK_MS = 20_000;

export interface Failure {
  /** The actions up to the one that failed. */
  actions: Action[];
  settings: Settings;
  reason: string;
}

/** What sessions have shown: how often each action, message and outcome occurred, and the longest run, in units. */
export interface Tally {
  outcomes: Map<string, number>;
  worst: number;
}

/** A random session of that many actions; the failure it ended with, if any. Adds to the tally. */
export function run(seed: number, operations: number, tally: Tally): Failure | undefined {
  const random = new Random(seed);
  const settings = settingsOf(seed, random);
  const simulation = new Simulation(settings);
  const actions: Action[] = [];
  const perform = (action: Action) => {
    actions.push(action);
    count(tally, [action.do === "send" ? action.message.name : action.do]);
    simulation.perform(action);
  };
  try {
    for (let done = 0; done < operations; ) {
      for (const action of nextActions(random, simulation.state, settings)) {
        perform(action);
        if (action.do !== "run" && action.do !== "tick") done++;
      }
    }
    for (const action of finalActions(settings)) perform(action);
  } catch (error) {
    return { actions, settings, reason: reasonOf(error) };
  } finally {
    const { outcomes } = simulation.referee.oracle;
    count(tally, [...outcomes, ...simulation.referee.syncs.outcomes]);
    if (settings.scale === 1) tally.worst = Math.max(tally.worst, simulation.worst);
    simulation.close();
  }
  return undefined;
}

/** Repeats a session of this seed from its printed actions. */
export function replay(settings: Settings, actions: readonly Action[]): Failure | undefined {
  const simulation = new Simulation(settings);
  try {
    for (const [i, action] of [...actions, { do: "settle" } as const].entries()) {
      try {
        simulation.perform(action);
      } catch (error) {
        return { actions: actions.slice(0, i + 1), settings, reason: reasonOf(error) };
      }
    }
  } finally {
    simulation.close();
  }
  return undefined;
}

/** Leaves out actions, ever smaller groups of them, as long as the session still fails without. */
export function shrink(failure: Failure): Failure {
  const deadline = Date.now() + SHRINK_MS;
  let shortest = failure;
  for (let size = Math.ceil(shortest.actions.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = shortest.actions.length; end > 0; end -= size) {
      if (Date.now() > deadline) return shortest;
      const start = Math.max(0, end - size);
      const failed = replay(failure.settings, shortest.actions.toSpliced(start, end - start));
      if (failed !== undefined) shortest = failed;
    }
  }
  return shortest;
}

/** What to look at, and a test to paste. */
export function report(seed: number, failure: Failure, shortest: Failure): string {
  const list = shortest.actions.map((action) => `      ${JSON.stringify(action)},`).join("\n");
  return [
    `seed ${seed}, action ${failure.actions.length}: ${failure.reason}`,
    `shortened to ${shortest.actions.length}: ${shortest.reason}`,
    `  test("found by seed ${seed}", () => {`,
    `    const failure = replay(${JSON.stringify(failure.settings)}, [\n${list}\n    ]);`,
    "    expect(failure?.reason).toBe(undefined);",
    "  });",
  ].join("\n");
}

function count({ outcomes }: Tally, names: readonly string[]): void {
  for (const name of names) outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
}

function reasonOf(error: unknown): string {
  return error instanceof Error
    ? error.stack?.startsWith("Error: ")
      ? error.message
      : (error.stack ?? error.message)
    : String(error);
}
