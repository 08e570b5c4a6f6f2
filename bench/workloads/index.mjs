// @ts-check
import { crowd, wake } from "./crowd.mjs";
import { day } from "./day.mjs";
import { floods } from "./floods.mjs";
import { ingest } from "./ingest.mjs";
import { live } from "./live.mjs";
import { many } from "./many.mjs";
import { queries } from "./queries.mjs";
import { soak } from "./soak.mjs";
import { stock } from "./stock.mjs";

/** All workloads by name. @type {Record<string, import("../measure.mjs").Workload>} */
export const WORKLOADS = { ingest, queries, live, crowd, floods, many, wake, day, stock, soak };

/** Those that are run unless others are named. */
export const USUAL = ["ingest", "queries", "live", "crowd", "day"];

/** Those that the floor can do, which stores nothing. */
export const OF_FLOOR = ["ingest", "queries", "live", "crowd"];

/** Those that are compared with another commit: no relay on workerd holds 10,000 connections with 20,000 files. */
export const OF_OTHERS = ["ingest", "queries", "live", "crowd", "wake", "day", "stock", "soak"];

/** How a relay is run for a workload, where it matters. @type {Record<string, import("../target.ts").Run>} */
export const RUNS = {
  // The limits are as they come; only the number of connections is not.
  floods: { variables: { MAX_CONNECTIONS: "12000" } },
  many: { variables: { MAX_CONNECTIONS: "12000" }, files: 20_000 },
};
