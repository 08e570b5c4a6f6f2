import type { Histogram } from "../../relay/metrics.ts";
import type { Family } from "../http/metrics.ts";

export interface MeasuredParts {
  syncSeconds: Histogram;
  host: { readonly runSeconds: Histogram };
  sockets: { readonly unsent: number; readonly size: number };
}

/** What only a process can say of itself (R-08-07). */
export function measuresOf({ syncSeconds, host, sockets }: MeasuredParts): readonly Family[] {
  return [
    { name: "nexus_sync_seconds", type: "histogram", help: "Time of a disk sync.", value: syncSeconds },
    { name: "nexus_run_seconds", type: "histogram", help: "Time of a slice of work.", value: host.runSeconds },
    { name: "nexus_unsent_bytes", type: "gauge", help: "Bytes that wait for the network.", value: sockets.unsent },
    {
      name: "nexus_sockets",
      type: "gauge",
      help: "Sockets, closed ones whose client stays included.",
      value: sockets.size,
    },
    {
      name: "process_resident_memory_bytes",
      type: "gauge",
      help: "Memory of the process.",
      value: process.memoryUsage.rss(),
    },
  ];
}
