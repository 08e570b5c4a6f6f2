// @ts-check
import { crowd, wake } from "./crowd.mjs";
import { day } from "./day.mjs";
import { ingest } from "./ingest.mjs";
import { live } from "./live.mjs";
import { queries } from "./queries.mjs";
import { soak } from "./soak.mjs";
import { stock } from "./stock.mjs";

/** All workloads by name. @type {Record<string, import("../measure.mjs").Workload>} */
export const WORKLOADS = { ingest, queries, live, crowd, wake, day, stock, soak };

/** Those that are run unless others are named: `stock` loads for a minute, and the soak takes ten. */
export const USUAL = ["ingest", "queries", "live", "crowd", "wake", "day"];

/** Those that the floor can do, which stores nothing. */
export const OF_FLOOR = ["ingest", "queries", "live", "crowd"];
