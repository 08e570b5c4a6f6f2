import type { Log } from "../../relay/ports.ts";

/** One JSON line to the log of the operator. */
export const report: Log = (message, details) => {
  console.error(JSON.stringify({ level: "error", message, ...details }));
};
