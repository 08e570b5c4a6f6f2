import type { Reason } from "../../protocol/reason.ts";
import type { AccessList } from "../ports.ts";
import { type Method, question } from "./method.ts";
import { integer, optional, text } from "./parameters.ts";

export const FULL: Reason = "error: this list is full, remove entries first";

/** Entries of one page at most: no list has more. */
const MAX_PAGE = 20_000;

export const pageSize = optional(integer("the limit", 1, MAX_PAGE));

/** Answers `[limit?, after?]` with the entries of a list: all, or a page of those behind a subject, in their order. */
export function listing(list: AccessList, member: "pubkey" | "id" | "ip"): Method {
  return question([pageSize, optional(text("the subject", 64))], ({ access: { lists } }, limit, after = "") => {
    const rest = lists.entries(list).filter(([subject]) => subject > after);
    return rest.slice(0, limit).map(([subject, reason]) => ({ [member]: subject, ...(reason !== "" && { reason }) }));
  });
}

/** The same for kinds, which are numbers. */
export function page(kinds: readonly number[], limit: number | undefined, after = -1): number[] {
  return kinds
    .filter((kind) => kind > after)
    .sort((a, b) => a - b)
    .slice(0, limit);
}
