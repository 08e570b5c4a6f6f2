import { MAX_KIND } from "../../protocol/event.ts";
import { accept, type Result, refuse } from "../../protocol/reason.ts";
import type { EventLog } from "../../store/event-log.ts";
import type { Steps } from "../../store/steps.ts";
import { type Imported, type Importer, linesOf } from "../publish/importer.ts";
import { type LongMethod, long, type Method, type Parameter } from "./method.ts";
import { integer, optional } from "./parameters.ts";
import { type IsDue, record } from "./record.ts";
import { type Restoring, stateMethods } from "./restore.ts";

/** What the methods that move events need. */
export interface Transfer {
  log: Pick<EventLog, "archive" | "head">;
  importer: Pick<Importer, "import">;
  restoring: Restoring;
}

/** One page of `exportevents`: events as JSON, one in each line. */
interface Exported {
  events: string;
  count: number;
  /** Where the next page begins; the last page has none. */
  next?: number;
  /** Position of the newest stored event. */
  position: number;
}

const cursor = optional(integer("the position", 0, Number.MAX_SAFE_INTEGER));

const kinds: Parameter<number[]> = (value) => {
  const given = value ?? [];
  const areKinds =
    Array.isArray(given) && given.every((kind) => Number.isInteger(kind) && kind >= 0 && kind <= MAX_KIND);
  if (!areKinds || given.length > 100) return refuse("invalid: the private kinds must be an array of up to 100 kinds");
  return accept([...new Set(given as number[])].sort((a, b) => a - b));
};

const lines: Parameter<string> = (value) =>
  typeof value === "string" ? linesOf(value) : refuse("invalid: the events must be a string, JSON in each line");

/** Moves events out and in. For operators only: what is exported is everybody's, and what is imported nobody has to have published here. */
export function transferMethods(
  { log, importer, restoring }: Transfer,
  isDue: IsDue,
): Record<string, Method | LongMethod> {
  return {
    ...stateMethods(restoring, isDue),
    exportevents: long(false, [cursor, kinds], function* (call, after = 0, named): Steps<Result<Exported>> {
      record(call, isDue, "exportevents", [null, named]);
      const { raws, position, isLast } = yield* log.archive(after, new Set(named));
      const events = raws.map((raw) => `${raw}\n`).join("");
      return accept({ events, count: raws.length, ...(!isLast && { next: position }), position: log.head });
    }),
    importevents: long(true, [lines], function* (call, text): Steps<Result<Imported & { position: number }>> {
      record(call, isDue, "importevents", []);
      const imported = yield* importer.import(text);
      return accept({ ...imported, position: log.head });
    }),
  };
}
