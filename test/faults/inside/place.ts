import { inject } from "vitest";
import type { InspectedRelay } from "../../cloudflare/inspect.ts";
import { RELAY_URL } from "../../support/client.ts";
import type { Place } from "../party.ts";

declare module "vitest" {
  interface ProvidedContext {
    faultRounds: number;
    faultSeed: number;
  }
}

/** Rounds of each fault: few in the test run, more with `npm run test:faults`. */
export const ROUNDS = inject("faultRounds");

/** Where the seeds of the rounds begin. */
export const FIRST_SEED = inject("faultSeed");

/** A relay inside the workerd that runs the test. */
export function placeOf(relay: InspectedRelay): Place {
  return {
    url: RELAY_URL,
    connect: relay.connect,
    health: async () => (await relay.fetch("/health")).text(),
  };
}
