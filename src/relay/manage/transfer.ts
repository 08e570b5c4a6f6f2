import { MAX_KIND } from "../../protocol/event.ts";
import { accept, type Result, refuse } from "../../protocol/reason.ts";
import type { EventLog } from "../../store/event-log.ts";
import type { Steps } from "../../store/steps.ts";
import { type Imported, type Importer, linesOf } from "../publish/importer.ts";
import { type Call, type LongMethod, long, type Parameter } from "./method.ts";
import { integer, optional } from "./parameters.ts";

/** What the methods that move events need. */
export interface Transfer {
  log: Pick<EventLog, "archive" | "head">;
  importer: Pick<Importer, "import">;
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

/** How often one caller's exports of the same kinds, and its imports, are recorded, in seconds: each page is a call. */
const RECORD_SECONDS = 3600;

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
export function transferMethods({ log, importer }: Transfer, isDue: IsDue): Record<string, LongMethod> {
  return {
    exportevents: long([cursor, kinds], function* (call, after = 0, named): Steps<Result<Exported>> {
      record(call, isDue, "exportevents", [null, named]);
      const { raws, position, isLast } = yield* log.archive(after, new Set(named));
      const events = raws.map((raw) => `${raw}\n`).join("");
      return accept({ events, count: raws.length, ...(!isLast && { next: position }), position: log.head });
    }),
    importevents: long([lines], function* (call, text): Steps<Result<Imported & { position: number }>> {
      record(call, isDue, "importevents", []);
      const imported = yield* importer.import(text);
      return accept({ ...imported, position: log.head });
    }),
  };
}

/** Whether something has not been done for so many seconds; then it counts as done now. */
export type IsDue = (what: string, seconds: number, now: number) => boolean;

function record({ caller, changeLog, clock, report }: Call, isDue: IsDue, method: string, params: unknown[]): void {
  const [at, given] = [clock.nowSeconds(), JSON.stringify(params)];
  if (!isDue(`${caller} ${method} ${given}`, RECORD_SECONDS, at)) return;
  changeLog.record({ at, pubkey: caller, method, params: given });
  report("events moved by management", { method, by: caller, params: given }, "info");
}
