// @ts-check
import { ingest } from "./ingest.mjs";
import { live } from "./live.mjs";
import { queries } from "./queries.mjs";

/** All workloads, in the order in which they are run. @type {Record<string, import("../measure.mjs").Workload>} */
export const WORKLOADS = { ingest, queries, live };
