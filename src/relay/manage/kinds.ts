import { FULL, page, pageSize } from "./listing.ts";
import { type Call, change, type Method, question } from "./method.ts";
import { kind, optional } from "./parameters.ts";

/** Which kinds are taken (`policy/kinds.ts`). */
export const kindMethods: Record<string, Method> = {
  allowkind: change([kind], ({ access: { lists } }, allowed) => {
    if (!lists.put("allowed-kind", String(allowed), "")) return FULL;
    lists.remove("disallowed-kind", String(allowed));
    return undefined;
  }),
  disallowkind: change([kind], ({ access: { lists } }, disallowed) => {
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
