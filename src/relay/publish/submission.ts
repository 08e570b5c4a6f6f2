import type { Event, IndexedTag } from "../../protocol/event.ts";
import type { FindEvent } from "../../protocol/job/job.ts";
import type { Reason } from "../../protocol/reason.ts";
import type { Access } from "../access/access.ts";
import type { Config } from "../config/config.ts";

/** What a policy may look at. */
export interface Submission {
  event: Event;
  tags: readonly IndexedTag[];
  /** Seconds. */
  now: number;
  config: Config;
  access: Access;
  /** Keys that the submitting connection has authenticated. */
  authed: ReadonlySet<string>;
  /** The store is full, and this event does not free room. */
  isFull: boolean;
  /** Public events that are stored. */
  find: FindEvent;
}

/** Whether an event may be published: the reason why not, or undefined. Changes nothing. */
export type Policy<Looked extends Partial<Submission> = Submission> = (submission: Looked) => Reason | undefined;

/** A policy that is also asked before the relay answers `duplicate:`. No more than this is known by then. */
export type FirmPolicy = Policy<Pick<Submission, "event" | "now" | "config" | "authed">>;

/** A policy that comes after tombstones. */
export type LatePolicy = Policy<Pick<Submission, "event" | "config" | "authed" | "isFull" | "find">>;
