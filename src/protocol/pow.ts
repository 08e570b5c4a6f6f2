import type { Event } from "./event.ts";
import type { Reason } from "./reason.ts";
import { leadingZeroBits } from "./text.ts";

/** NIP-13: whether an event carries less work than asked for, in its id or in the target it committed to (R-05-27). */
export function checkWork(event: Event, minimum: number): Reason | undefined {
  const difficulty = leadingZeroBits(event.id);
  if (difficulty < minimum) return `pow: difficulty ${difficulty} is less than ${minimum}`;
  const target = event.tags.find((tag) => tag[0] === "nonce")?.[2];
  if (target !== undefined && !(Number(target) >= minimum)) return `pow: committed target is less than ${minimum}`;
  return undefined;
}
