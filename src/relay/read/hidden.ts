import type { Filter } from "../../protocol/filter.ts";
import type { Reason } from "../../protocol/reason.ts";
import type { Connection } from "../connection.ts";

/** What a stranger is told who asks for private kinds only (R-06-07): after a login there may be an answer. */
export const HIDDEN_FROM_STRANGERS: Reason = "auth-required: these kinds are for their author and recipients only";

/** Whether filters ask for nothing but private kinds of other people (R-05-31). */
export function areHidden(filters: readonly Filter[], connection: Connection): boolean {
  return filters.every((filter) => isHidden(filter, connection));
}

function isHidden({ kinds, authors, anyOf, never }: Filter, { authed, privateKinds }: Connection): boolean {
  if (never || kinds === undefined || kinds.size === 0) return false;
  if (![...kinds].every((kind) => privateKinds.has(kind))) return false;
  const recipients = anyOf.find(([letter]) => letter === "p")?.[1];
  const isOwn = (keys: ReadonlySet<string> | undefined): boolean =>
    keys !== undefined && [...keys].every((key) => authed.has(key));
  return !isOwn(authors) && !isOwn(recipients);
}
