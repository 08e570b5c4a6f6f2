import { Histogram } from "../../relay/metrics.ts";
import type { Running } from "../assemble.ts";

/** One metric. Its value is a number, one for each value of `label`, or a histogram. */
export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly label?: string;
  readonly value: number | Readonly<Record<string, number>> | Histogram;
}

/** The Prometheus text format, version 0.0.4. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Whether a request has the token, in a time that does not tell how much of it is right. */
export function hasToken({ headers }: Request, token: string): boolean {
  const given = /^Bearer (\S+)$/i.exec(headers.get("Authorization") ?? "")?.[1] ?? "";
  let difference = given.length ^ token.length;
  for (let i = 0; i < token.length; i++) difference |= given.charCodeAt(i) ^ token.charCodeAt(i);
  return difference === 0;
}

/** What `/metrics` answers (R-08-07). */
export function metricsPage(running: Running): Response {
  const text = [...familiesOf(running), ...running.measures()].map(linesOf).join("");
  return new Response(text, { headers: { "Content-Type": CONTENT_TYPE, "Cache-Control": "no-store" } });
}

/** The same for programs that read JSON (R-08-14): by name without `nexus_`, a number, numbers by label, or a histogram. */
export function metricsOf(running: Running): Record<string, Family["value"]> {
  const families = [...familiesOf(running), ...running.measures()];
  return Object.fromEntries(families.map(({ name, value }) => [name.replace(/^nexus_/, ""), value]));
}

function familiesOf({ relay, store, log, meter, errors, startedAtMs, storageBytes }: Running): Family[] {
  const { metrics, waiting } = relay;
  const connections = [...relay.connections];
  const work = { ...metrics.work };
  const ofVerbs = Object.values(work).reduce((sum, units) => sum + units, 0);
  const counter = (name: string, help: string, value: Family["value"], label?: string): Family => ({
    name: `nexus_${name}_total`,
    type: "counter",
    help,
    value,
    ...(label === undefined ? {} : { label }),
  });
  const gauge = (name: string, help: string, value: number): Family => ({
    name: `nexus_${name}`,
    type: "gauge",
    help,
    value,
  });
  const histogram = (name: string, help: string, value: Histogram): Family => ({
    name: `nexus_${name}`,
    type: "histogram",
    help,
    value,
  });
  const byKind = store.counts.known();
  const stored = byKind && [...byKind.values()].reduce((sum, count) => sum + count, 0);
  const authenticated = connections.filter((connection) => connection.isAuthenticated).length;
  return [
    gauge("start_time_seconds", "When the relay was last brought into memory, in Unix seconds.", startedAtMs / 1000),
    counter("connections_opened", "Connections that were accepted.", metrics.opened),
    counter("connections_ended", "Connections that the relay has ended.", metrics.ended),
    gauge("connections", "Connections that are open.", connections.length),
    gauge("connections_authenticated", "Open connections that have logged in.", authenticated),
    gauge("subscriptions", "Subscriptions that are open.", relay.subscriptions.index.size),
    counter("logins", "AUTH events that were accepted.", metrics.logins),
    counter("logins_refused", "AUTH events that were refused.", metrics.loginsRefused),
    counter("frames", "Frames of clients, by verb; none is no message.", metrics.frames, "verb"),
    counter("events_accepted", "EVENTs that were accepted as new.", metrics.accepted),
    counter("events_duplicate", "EVENTs that were accepted and known already.", metrics.duplicates),
    counter("events_refused", "EVENTs that were refused, by the prefix of the reason.", metrics.refused, "prefix"),
    counter("events_delivered", "Events that were sent to subscriptions as they came.", metrics.delivered),
    counter("events_answered", "Stored events that were sent to subscriptions.", metrics.answered),
    ...(stored === undefined ? [] : [gauge("events_stored", "Events in the store.", stored)]),
    histogram("batch_events", "Events of a commit.", metrics.batches),
    histogram(
      "read_seconds",
      "Time from REQ, COUNT, NEG-OPEN or NEG-MSG to the end of its answer.",
      metrics.readSeconds,
    ),
    counter(
      "work_units",
      "Work in units of about a microsecond, by verb; other is chores and what a host does.",
      { ...work, other: Math.max(0, meter.spent - ofVerbs) },
      "verb",
    ),
    gauge("waiting_connections", "Connections that wait to be served.", waiting.connections),
    gauge("waiting_characters", "Characters of frames that wait to be served.", waiting.characters),
    gauge("waiting_events", "Events that wait for their commit.", waiting.events),
    counter("rows_written", "Rows written, as they are billed where somebody bills.", meter.written),
    counter("rows_read", "Rows read, as they are billed where somebody bills.", meter.read),
    gauge("storage_bytes", "Bytes of the database that hold something.", storageBytes()),
    gauge("storage_full", "1 while the storage is full.", log.isFull() ? 1 : 0),
    counter("errors", "Failures of the relay that were reported to its log.", errors()),
  ];
}

/** Names, labels and texts are of the code: nothing in them needs to be escaped. */
function linesOf({ name, type, help, label, value }: Family): string {
  const head = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  if (value instanceof Histogram) return head + bucketsOf(name, value);
  if (typeof value === "number") return `${head}${name} ${value}\n`;
  return (
    head +
    Object.entries(value)
      .map(([of, number]) => `${name}{${label}="${of}"} ${number}\n`)
      .join("")
  );
}

function bucketsOf(name: string, { bounds, counts, sum }: Histogram): string {
  let total = 0;
  const buckets = counts.map((count, i) => {
    total += count;
    return `${name}_bucket{le="${bounds[i] ?? "+Inf"}"} ${total}\n`;
  });
  return `${buckets.join("")}${name}_sum ${sum}\n${name}_count ${total}\n`;
}
