import { Random } from "../random.ts";
import { Signer } from "./drafts.ts";
import { randomStep } from "./operations.ts";
import { Session } from "./session.ts";
import { type Message, messagesOf, type Step } from "./steps.ts";

/** How long a failing session is made shorter, in milliseconds. */
const SHRINK_MS = 20_000;

export interface Failure {
  /** The steps up to the one that failed. */
  steps: Step[];
  reason: string;
}

/** A random session of that many operations; the failure it ended with, if any. Adds to the tally. */
export async function run(seed: number, operations: number, tally: Map<string, number>): Promise<Failure | undefined> {
  const random = new Random(seed);
  const signer = new Signer();
  const session = await Session.open(connectionsOf(seed), signer);
  const steps: Step[] = [];
  let done = 0;
  const perform = (step: Step) => {
    steps.push(step);
    return session.perform(step);
  };
  try {
    while (done < operations) {
      const step = randomStep(random, { oracle: session.oracle, signer });
      done += Math.max(1, messagesOf(step).length);
      await perform(step);
    }
    for (const step of finalQueries(session)) await perform(step);
  } catch (error) {
    return { steps, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    for (const [name, count] of session.tally) tally.set(name, (tally.get(name) ?? 0) + count);
  }
  return undefined;
}

/** Repeats a session of this seed from its printed steps. */
export async function replay(seed: number, steps: readonly Step[]): Promise<Failure | undefined> {
  const session = await Session.open(connectionsOf(seed), new Signer());
  for (const [i, step] of steps.entries()) {
    try {
      await session.perform(step);
    } catch (error) {
      return { steps: steps.slice(0, i + 1), reason: error instanceof Error ? error.message : String(error) };
    }
  }
  return undefined;
}

/** Leaves out steps, ever smaller groups of them, as long as the session still fails without. */
export async function shrink(seed: number, failure: Failure): Promise<Failure> {
  const deadline = Date.now() + SHRINK_MS;
  let shortest = failure;
  for (let size = Math.ceil(shortest.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = shortest.steps.length - 1; end > 0; end -= size) {
      if (Date.now() > deadline) return shortest;
      const start = Math.max(0, end - size);
      const failed = await replay(seed, shortest.steps.toSpliced(start, end - start));
      if (failed !== undefined) shortest = failed;
    }
  }
  return shortest;
}

/** What to look at, and what to hand to {@link replay} to see it again. */
export function report(seed: number, failure: Failure, shortest: Failure): string {
  const list = (steps: readonly Step[]) => steps.map((step) => `  ${JSON.stringify(step)},`).join("\n");
  return [
    `seed ${seed}, step ${failure.steps.length}`,
    failure.reason,
    `all steps: replay(${seed}, [\n${list(failure.steps)}\n])`,
    `shortened: replay(${seed}, [\n${list(shortest.steps)}\n])`,
    shortest.reason,
  ].join("\n");
}

function connectionsOf(seed: number): number {
  return 3 + (seed % 3);
}

/** In the end everybody sees all they may see, and no more. */
function finalQueries({ oracle }: Session): Step[] {
  return [...oracle.connections.keys()].map((on) => {
    const login: Message = { name: "login", on, verb: "AUTH", by: on };
    const query = { name: "query", on, id: "all" };
    const messages: Message[] = [
      login,
      { ...query, verb: "REQ", filters: [{}] },
      { ...query, verb: "REQ", filters: [{ limit: 5000 }] },
      { ...query, verb: "CLOSE" },
    ];
    return { name: "query", isPaced: true, messages };
  });
}
