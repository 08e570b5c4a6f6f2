import type { Filter } from "../../protocol/filter.ts";
import { sketchedValue } from "../../protocol/hyperloglog.ts";
import type { Reason } from "../../protocol/reason.ts";
import type { Steps } from "../../store/steps.ts";
import { refuseReader } from "../access/access.ts";
import type { Connection } from "../connection.ts";
import { parseFilters, type ReadDeps } from "./request.ts";

/** COUNT: answers with a number, perhaps with registers, and opens nothing (R-05-34, R-05-35, R-05-36). */
export function* count(deps: ReadDeps, connection: Connection, id: string, source: unknown[]): Steps<void> {
  const { config, access, log } = deps;
  const refused = (reason: Reason): void => connection.send(["CLOSED", id, reason]);
  if (!config.countEnabled) return refused("unsupported: COUNT is switched off");
  const filters = parseFilters(id, source, deps);
  if (!filters.ok) return refused(filters.reason);
  if (filters.value.every((filter) => isHidden(filter, connection))) {
    return refused(
      connection.isAuthenticated
        ? "restricted: these kinds are counted for their author and recipients only"
        : "auth-required: these kinds are counted for their author and recipients only",
    );
  }
  const sketched = config.hllEnabled ? sketchedValue(filters.value) : undefined;
  const result = yield* log.count(filters.value, connection, sketched);
  if (typeof result === "string") return refused(result);
  // It may have taken several steps.
  const refusal = refuseReader(access, connection.authed);
  if (refusal !== undefined) return refused(refusal);
  const { count, isApproximate, hll } = result;
  connection.send(["COUNT", id, { count, ...(isApproximate ? { approximate: true } : {}), ...(hll ? { hll } : {}) }]);
}

/** Whether a filter asks for private kinds only, and for other people's (R-05-31). */
function isHidden({ kinds, authors, anyOf, never }: Filter, { authed, privateKinds }: Connection): boolean {
  if (never || kinds === undefined || kinds.size === 0) return false;
  if (![...kinds].every((kind) => privateKinds.has(kind))) return false;
  const recipients = anyOf.find(([letter]) => letter === "p")?.[1];
  const isOwn = (keys: ReadonlySet<string> | undefined): boolean =>
    keys !== undefined && [...keys].every((key) => authed.has(key));
  return !isOwn(authors) && !isOwn(recipients);
}
