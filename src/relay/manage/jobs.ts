import { JOB_STATES, type JobState } from "../../protocol/job/profile.ts";
import { accept, type Reason, refuse } from "../../protocol/reason.ts";
import { isHex64 } from "../../protocol/text.ts";
import type { BoardQuery } from "../board/job-board.ts";
import { change, type Method, type Parameter, question } from "./method.ts";
import { eventId, integer, kind, optional, publicKey, text } from "./parameters.ts";

/** Jobs or providers of one page at most, and unless fewer are asked for. */
const MAX_PAGE = 500;
const PAGE = 100;

type Narrowing = Omit<BoardQuery, "limit" | "after">;

const state: Parameter<JobState> = (value) => {
  const found = JOB_STATES.find((one) => one === value);
  return found === undefined ? refuse(`invalid: the state must be one of ${JOB_STATES.join(", ")}`) : accept(found);
};

const MEMBERS = { kind, state, provider: publicKey, customer: publicKey } as const;

/** Which jobs: an object with some of `kind`, `state`, `provider` and `customer`. */
const narrowing: Parameter<Narrowing> = (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(NO_FILTER);
  const narrowed: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (!Object.hasOwn(MEMBERS, name)) return refuse(NO_FILTER);
    const parsed = (MEMBERS[name as keyof typeof MEMBERS] as Parameter<unknown>)(member);
    if (!parsed.ok) return parsed;
    narrowed[name] = parsed.value;
  }
  return accept(narrowed as Narrowing);
};

const NO_FILTER = "invalid: the filter must be an object with kind, state, provider or customer";

/** Where the page before has ended. */
const behind: Parameter<string> = (value) => {
  const place = text("the place", 90)(value);
  if (!place.ok) return place;
  const [first = "", second = ""] = place.value.split(":");
  const isJob = /^\d{1,16}$/.test(first) && isHex64(second);
  const isProvider = isHex64(first) && /^\d{1,5}$/.test(second);
  return isJob || isProvider ? place : refuse("invalid: the place must be the next of the page before");
};

const pageSize = optional(integer("the limit", 1, MAX_PAGE));

const REBUILDING: Reason = "rate-limited: the ledger is being rebuilt already, call again when that has ended";

/** The ledger of jobs, for operators (R-07-18, R-07-21). */
export const jobMethods: Record<string, Method> = {
  listjobs: question(
    [pageSize, optional(behind), optional(narrowing)],
    ({ jobBoard }, limit = PAGE, after?: string, filter?: Narrowing) => jobBoard.jobs({ ...filter, limit, after }),
  ),
  job: question([eventId], ({ jobBoard }, id) => jobBoard.job(id) ?? null),
  listproviders: question([pageSize, optional(behind)], ({ jobBoard }, limit = PAGE, after?: string) =>
    jobBoard.providers(limit, after),
  ),
  jobsummary: question([], ({ jobBoard }) => jobBoard.summary()),
  rebuildjobs: { ...change([], ({ rebuildJobs }) => (rebuildJobs() ? undefined : REBUILDING)), isElsewhere: true },
};
