import type { Steps } from "../../src/store/steps.ts";

/** The result of all steps, without a pause. */
export function finished<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
