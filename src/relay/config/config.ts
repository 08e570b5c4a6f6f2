import type { FilterOptions } from "../../protocol/filter.ts";
import { MEMBERS_KIND, ROLE_KIND } from "../../protocol/kind.ts";
import { jobRetention, type RetentionRule } from "../../protocol/retention.ts";
import { readVariables, type ValuesOf } from "./variable.ts";
import { VARIABLES } from "./variables.ts";

export { LOCAL_VARIABLES } from "./local.ts";
export { problemOf, readVariables, settingsOf } from "./variable.ts";
export { GROUPS, VARIABLES } from "./variables.ts";

/** The relay's variables as the process or the Worker gets them. */
export type Environment = Readonly<Record<string, unknown>>;

/** NIPs that are always on. */
const ALWAYS_NIPS = [1, 9, 11, 40, 42, 62, 70, 89, 90];

/** The relay's own list of members and its roles are kept for ever, whatever else is said about their kinds. */
const OWN_RETENTION: readonly RetentionRule[] = [MEMBERS_KIND, ROLE_KIND].map((kind) => ({
  from: kind,
  to: kind,
  seconds: 0,
}));

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<Name>;

/** `RELAY_NAME` is `name`, `ENABLE_COUNT` is `countEnabled`, `MAX_LIMIT` is `maxLimit`. */
type Member<Name extends string> = Name extends `RELAY_${infer Rest}`
  ? CamelCase<Rest>
  : Name extends `ENABLE_${infer Rest}`
    ? `${CamelCase<Rest>}Enabled`
    : CamelCase<Name>;

type Variables = ValuesOf<typeof VARIABLES>;
type Values = { [Name in keyof Variables as Member<Name>]: Variables[Name] };

/** What does not stand in one variable alone. */
interface Derived {
  readonly supportedNips: readonly number[];
  /** URLs under which the public knows the relay: `RELAY_URL`, or the names that Cloudflare routes to it. */
  publicUrls: string[];
  /** Those, and the URLs that only an AUTH event may name. */
  relayUrls: string[];
  /** Those, and the URLs that only a NIP-98 event may name. */
  managementUrls: string[];
  /** Those, and the URLs that a request to vanish may name only if its author hands it in. */
  vanishUrls: string[];
  /** Never above `maxLimit`. */
  readonly defaultLimit: number;
  /** The first rule that covers a kind decides. */
  readonly retention: readonly RetentionRule[];
  /** The same set as long as the relay runs: it may be kept. */
  readonly privateKinds: ReadonlySet<number>;
  /** Empty: all. */
  readonly allowedKinds: ReadonlySet<number>;
}

/**
 * What the relay enforces; every number that NIP-11 states comes from here (R-08-04). It changes while the relay runs
 * (`settings.ts`): it is read at use, and no member of it is kept.
 */
export interface Config extends Readonly<Omit<Values, keyof Derived>>, Derived {}

/** What filters may ask for (R-03-07). */
export function filterOptions({ andFiltersEnabled, searchEnabled, privateKinds }: Config): FilterOptions {
  return { andFilters: andFiltersEnabled, search: searchEnabled ? { exceptKinds: privateKinds } : undefined };
}

/** Reads the configuration; defaults and errors are those of `readVariables`. */
export function parseConfig(environment: Environment): Config {
  const values = membersOf(readVariables(VARIABLES, environment));
  return {
    ...values,
    supportedNips: values.supportedNips ?? nipsOf(values),
    publicUrls: [values.url],
    relayUrls: [values.url, ...values.urlAliases],
    managementUrls: [values.url, ...(values.managementUrlAliases ?? values.urlAliases)],
    vanishUrls: [values.url, ...(values.vanishUrlAliases ?? values.urlAliases)],
    defaultLimit: Math.min(values.defaultLimit, values.maxLimit),
    retention: [
      ...(keepsMembers(values) ? OWN_RETENTION : []),
      ...values.retention,
      ...jobRetention(values.retentionJob, values.retentionResult),
    ],
    privateKinds: new Set(values.privateKinds),
    allowedKinds: new Set(values.allowedKinds),
  };
}

/** Whether membership (NIP-43) is in use: it needs a key of the relay's own. */
export function keepsMembers(values: Pick<Values, "membershipEnabled" | "secretKey">): boolean {
  return values.membershipEnabled && values.secretKey !== undefined;
}

function nipsOf(values: Values): number[] {
  const optional: [number, boolean][] = [
    [13, values.minPow > 0],
    [43, keepsMembers(values)],
    [45, values.countEnabled],
    [50, values.searchEnabled],
    [67, values.eoseHintEnabled],
    [77, values.negentropyEnabled],
    [86, values.managementEnabled],
    [98, values.managementEnabled],
  ];
  const switchedOn = optional.filter(([, isOn]) => isOn).map(([nip]) => nip);
  return [...ALWAYS_NIPS, ...switchedOn].sort((a, b) => a - b);
}

/** The variables under the names of `Member`. */
function membersOf(variables: Variables): Values {
  const members = Object.entries(variables).map(([name, value]) => [memberOf(name), value]);
  return Object.fromEntries(members) as Values;
}

function memberOf(name: string): string {
  const words = name.replace(/^(RELAY|ENABLE)_/, "").toLowerCase();
  const member = words.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return name.startsWith("ENABLE_") ? `${member}Enabled` : member;
}
