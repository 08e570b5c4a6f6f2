import { sketchedValue } from "../../protocol/hyperloglog.ts";
import { AUTH_REQUIRED, type Reason } from "../../protocol/reason.ts";
import type { Steps } from "../../store/steps.ts";
import { refuseReader } from "../access/access.ts";
import type { Connection } from "../connection.ts";
import { areHidden, HIDDEN_FROM_STRANGERS } from "./hidden.ts";
import { parseFilters, type ReadDeps } from "./request.ts";

/** COUNT: answers with a number, perhaps with registers, and opens nothing (R-05-34, R-05-35, R-05-36). */
export function* count(deps: ReadDeps, connection: Connection, id: string, source: unknown[]): Steps<void> {
  const { config, access, log } = deps;
  const refused = (reason: Reason): void => connection.send(["CLOSED", id, reason]);
  if (!config.countEnabled) return refused("unsupported: COUNT is switched off");
  const filters = parseFilters(id, source, deps);
  if (!filters.ok) return refused(filters.reason);
  if (areHidden(filters.value, connection)) {
    return refused(
      connection.isAuthenticated
        ? "restricted: these kinds are counted for their author and recipients only"
        : HIDDEN_FROM_STRANGERS,
    );
  }
  const sketched = config.hllEnabled ? sketchedValue(filters.value) : undefined;
  const result = yield* log.count(filters.value, connection, sketched);
  if (typeof result === "string") return refused(result);
  // It may have taken several steps.
  const isStranger = config.authRequired && !connection.isAuthenticated;
  const refusal = isStranger ? AUTH_REQUIRED : refuseReader(access, connection.authed);
  if (refusal !== undefined) return refused(refusal);
  const { count, isApproximate, hll } = result;
  connection.send(["COUNT", id, { count, ...(isApproximate ? { approximate: true } : {}), ...(hll ? { hll } : {}) }]);
}
