import { VANISH_KIND } from "../../protocol/deletion.ts";
import { neverPublished } from "../publish/policy/never-published.ts";
import { FULL, page, pageSize } from "./listing.ts";
import { type Call, change, type Method, question } from "./method.ts";
import { kind, optional } from "./parameters.ts";

/** Which kinds are taken (`policy/kinds.ts`). */
export const kindMethods: Record<string, Method> = {
  allowkind: change([kind], ({ access }, allowed) => {
    const { lists } = access;
    const refusal = neverPublished({ event: { kind: allowed }, access });
    if (refusal !== undefined) return refusal;
    if (!lists.put("allowed-kind", String(allowed), "")) return FULL;
    lists.remove("disallowed-kind", String(allowed));
    return undefined;
  }),
  disallowkind: change([kind], ({ access: { lists } }, disallowed) => {
    if (disallowed === VANISH_KIND) return "restricted: a request to vanish is always carried out";
    if (!lists.put("disallowed-kind", String(disallowed), "")) return FULL;
    lists.remove("allowed-kind", String(disallowed));
    return undefined;
  }),
  listallowedkinds: question([pageSize, optional(kind)], (call, limit, after) => {
    const { config, lists } = call.access;
    const configured = [...config.allowedKinds].filter((known) => !lists.has("disallowed-kind", String(known)));
    return page([...new Set([...configured, ...kindsOf(call, "allowed-kind")])], limit, after);
  }),
  listdisallowedkinds: question([pageSize, optional(kind)], (call, limit, after) =>
    page(kindsOf(call, "disallowed-kind"), limit, after),
  ),
};

function kindsOf({ access: { lists } }: Call, list: "allowed-kind" | "disallowed-kind"): number[] {
  return lists.entries(list).map(([subject]) => Number(subject));
}
