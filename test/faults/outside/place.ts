import type { Server } from "../../support/server.ts";
import { openClient } from "../../support/server.ts";
import type { Place } from "../party.ts";

/** Rounds of each fault: few in the test run, more with `npm run test:faults`. */
export const ROUNDS = Number(process.env.FAULT_ROUNDS || 2);

/** Where the seeds of the rounds begin. */
export const FIRST_SEED = Number(process.env.FAULT_SEED || 1);

/** The relay of `npm start`. */
export function placeOf(server: Server): Place {
  return {
    url: server.url,
    connect: () => openClient(server.url),
    health: async () => (await fetch(`${server.httpUrl}/health`)).text(),
  };
}
