/** Who a rate is counted for. `remote-ip` is an address that is not of this machine. */
export type Scope = "connection" | "key" | "ip" | "remote-ip";

/** What is counted apart; `bytes` are the characters of frames. */
export type LimitClass = "event" | "req" | "count" | "sync" | "auth" | "connect" | "bytes";

/** One rate: `burst` at once, then `perSecond`. */
export interface Rule {
  readonly scope: Scope;
  /** Kinds of events that it is about; without, those that no other rule of its scope names. */
  readonly kinds?: { readonly from: number; readonly to: number } | undefined;
  readonly perSecond: number;
  readonly burst: number;
}

const MAX_RULES = 50;
const RULE = /^(?:(\d{1,5})(?:-(\d{1,5}))?:)?(connection|key|ip|remote-ip):(\d{1,10}(?:\.\d{1,3})?)\/(\d{1,12})$/;

/**
 * Reads rules such as `connection:1000/20000,5000-5999:key:10/100`, each per second / burst, or `off` for none.
 * Undefined if they are malformed, or name kinds where there are none.
 */
export function parseRules(text: string, hasKinds: boolean): readonly Rule[] | undefined {
  if (text === "off") return [];
  const items = text.split(",").map((item) => RULE.exec(item.trim()));
  if (items.length > MAX_RULES) return undefined;
  const rules: Rule[] = [];
  for (const item of items) {
    if (item === null) return undefined;
    const [, from, to = from, scope, perSecond, burst] = item;
    const kinds = from === undefined ? undefined : { from: Number(from), to: Number(to) };
    const rule = { scope: scope as Scope, kinds, perSecond: Number(perSecond), burst: Number(burst) };
    if (rule.perSecond === 0 || rule.burst === 0) return undefined;
    if (kinds !== undefined && (!hasKinds || kinds.from > kinds.to || kinds.to > 65_535)) return undefined;
    rules.push(rule);
  }
  return rules;
}
