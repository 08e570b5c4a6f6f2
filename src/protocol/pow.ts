import type { Event } from "./event.ts";
import type { Reason } from "./reason.ts";

/** NIP-13: leading zero bits of an id of 64 hex digits. */
export function difficultyOf(id: string): number {
  const zeros = /^0*/.exec(id)?.[0].length ?? 0;
  const next = id.charAt(zeros);
  return zeros * 4 + (next === "" ? 0 : Math.clz32(Number.parseInt(next, 16)) - 28);
}

/** Whether an event carries less work than asked for, in its id or in the target it committed to (R-05-27). */
export function checkWork(event: Event, minimum: number): Reason | undefined {
  const difficulty = difficultyOf(event.id);
  if (difficulty < minimum) return `pow: difficulty ${difficulty} is less than ${minimum}`;
  const target = event.tags.find((tag) => tag[0] === "nonce")?.[2];
  if (target !== undefined && !(Number(target) >= minimum)) return `pow: committed target is less than ${minimum}`;
  return undefined;
}
