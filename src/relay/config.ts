import * as v from "valibot";
import type { FilterOptions } from "../protocol/filter.ts";
import { jobRetention, type RetentionRule } from "../protocol/retention.ts";
import { isHex64 } from "../protocol/text.ts";

/** `RELAY_*` and the other variables of reference 6.7 as the process or the Worker gets them. */
export type Environment = Record<string, unknown>;

const DEFAULT_NIPS = [1, 11, 42, 89, 90];

/** Kinds that only their author and their `p`-tagged keys may see, unless `PRIVATE_KINDS` says otherwise (R-05-28). */
const DEFAULT_PRIVATE_KINDS = [4, 13, 14, 15, 1059, 21059];

const text = v.pipe(v.string(), v.trim());

function integer(fallback: number, min: number, max: number) {
  const problem = `must be a whole number from ${min} to ${max}`;
  return v.optional(
    v.pipe(
      text,
      v.regex(/^\d{1,16}$/, problem),
      v.transform(Number),
      v.minValue(min, problem),
      v.maxValue(max, problem),
    ),
    String(fallback),
  );
}

function flag(fallback: boolean) {
  return v.optional(
    v.pipe(
      text,
      v.picklist(["true", "false"], "must be true or false"),
      v.transform((value) => value === "true"),
    ),
    String(fallback) as "true" | "false",
  );
}

const list = v.pipe(
  text,
  v.transform((value) =>
    value
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== ""),
  ),
);

function integerList(max: number) {
  const problem = `must be whole numbers from 0 to ${max}, separated by commas`;
  return v.pipe(
    list,
    v.check((items) => items.every((item) => /^\d{1,6}$/.test(item) && Number(item) <= max), problem),
    v.transform((items) => [...new Set(items.map(Number))].sort((a, b) => a - b)),
  );
}

function isRelayUrl(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && (url.protocol === "ws:" || url.protocol === "wss:") && url.hostname !== "";
}

const relayUrl = v.pipe(text, v.check(isRelayUrl, "must be a ws:// or wss:// URL"));
const relayUrls = v.pipe(
  list,
  v.check((urls) => urls.every(isRelayUrl), "must be ws:// or wss:// URLs, separated by commas"),
);
const pubkey = v.pipe(
  text,
  v.check((value) => isHex64(value), "must be a public key of 64 lowercase hex digits"),
);

const retentionTable = v.pipe(
  list,
  v.check(
    (items) => items.every((item) => /^\d{1,5}(-\d{1,5})?:\d{1,10}$/.test(item)),
    "must be kinds and seconds like 1:2592000 or 20-29:0, separated by commas",
  ),
  v.transform((items) =>
    items.map((item): RetentionRule => {
      const [kinds = "", seconds] = item.split(":");
      const [from, to = from] = kinds.split("-").map(Number);
      return { from: from as number, to: to as number, seconds: Number(seconds) };
    }),
  ),
);

/** One entry for each variable: how it is read, its bounds and its default. Lengths in bytes, times in seconds. */
const SCHEMA = v.object({
  RELAY_NAME: v.optional(text, "Nexus"),
  RELAY_URL: v.optional(relayUrl, "wss://nexus.openagents.com"),
  RELAY_DESCRIPTION: v.optional(text),
  RELAY_PUBKEY: v.optional(pubkey),
  RELAY_CONTACT: v.optional(text),
  SUPPORTED_NIPS: v.optional(integerList(999)),
  AUTH_REQUIRED: flag(true),
  AUTH_TOLERANCE: integer(600, 1, 86400),
  RELAY_URL_ALIASES: v.optional(relayUrls, ""),
  RELAY_URL_MATCH: v.optional(
    v.pipe(text, v.picklist(["normalized", "exact"], "must be normalized or exact")),
    "normalized",
  ),
  MAX_MESSAGE_LENGTH: integer(524288, 1024, 16777216),
  MAX_SUBSCRIPTIONS: integer(200, 1, 2000),
  MAX_FILTERS: integer(100, 1, 1000),
  MAX_LIMIT: integer(5000, 1, 50000),
  DEFAULT_LIMIT: integer(500, 1, 50000),
  MAX_COUNT: integer(1000000, 1, 10000000),
  MAX_EVENT_TAGS: integer(2000, 0, 10000),
  MAX_CONTENT_LENGTH: integer(100000, 0, 1000000),
  MAX_TAG_VALUE: integer(1024, 64, 4096),
  CREATED_AT_UPPER_LIMIT: integer(900, 0, 4294967296),
  CREATED_AT_LOWER_LIMIT: v.optional(integer(0, 1, 4294967296)),
  MIN_POW: integer(0, 0, 256),
  RETENTION_JOB: integer(86400, 0, 4294967296),
  RETENTION_RESULT: integer(604800, 0, 4294967296),
  RETENTION: v.optional(retentionTable, ""),
  MAX_STORAGE: integer(9_000_000_000, 1_000_000, 10_000_000_000),
  PRIVATE_KINDS: v.optional(integerList(65535), DEFAULT_PRIVATE_KINDS.join(",")),
  ENABLE_COUNT: flag(true),
  ENABLE_HLL: flag(true),
  ENABLE_SEARCH: flag(true),
  ENABLE_EOSE_HINT: flag(true),
  ENABLE_AND_FILTERS: flag(false),
  ENABLE_NEGENTROPY: flag(true),
  NEG_TIMEOUT: integer(60, 1, 3600),
  MAX_NEG_RECORDS: integer(500_000, 1, 1_000_000),
  NEG_FRAME_LIMIT: integer(500_000, 4096, 4_000_000),
});

/** Names of all variables. */
export const VARIABLES: readonly string[] = Object.keys(SCHEMA.entries);

/** What the relay enforces; every number that NIP-11 states comes from here (R-08-04). */
export interface Config {
  name: string;
  description: string | undefined;
  pubkey: string | undefined;
  contact: string | undefined;
  supportedNips: number[];
  /** `RELAY_URL`, then its aliases. */
  relayUrls: string[];
  urlMatch: "normalized" | "exact";
  authRequired: boolean;
  authTolerance: number;
  maxMessageLength: number;
  maxSubscriptions: number;
  maxFilters: number;
  maxLimit: number;
  defaultLimit: number;
  maxCount: number;
  maxEventTags: number;
  maxContentLength: number;
  maxTagValue: number;
  createdAtUpperLimit: number;
  createdAtLowerLimit: number | undefined;
  /** Leading zero bits that an id must have (NIP-13). */
  minPow: number;
  /** The first rule that covers a kind decides. */
  retention: readonly RetentionRule[];
  maxStorage: number;
  privateKinds: ReadonlySet<number>;
  countEnabled: boolean;
  /** COUNT of one tag value comes with HyperLogLog registers (R-05-36). */
  hllEnabled: boolean;
  searchEnabled: boolean;
  eoseHintEnabled: boolean;
  andFiltersEnabled: boolean;
  negentropyEnabled: boolean;
  /** Seconds after which an idle sync ends. */
  negTimeout: number;
  maxNegRecords: number;
  /** Bytes of one answer of a sync; its hex text is twice as long. */
  negFrameLimit: number;
}

/** What filters may ask for (R-03-07). */
export function filterOptions({ andFiltersEnabled, searchEnabled, privateKinds }: Config): FilterOptions {
  return { andFilters: andFiltersEnabled, search: searchEnabled ? { exceptKinds: privateKinds } : undefined };
}

/**
 * Reads the configuration. An unset or empty variable has its default (R-06-24). Throws an `Error` whose message names
 * each malformed variable and says what it must be (R-06-25).
 */
export function parseConfig(environment: Environment): Config {
  const given: Record<string, string> = {};
  for (const name of VARIABLES) {
    const value = environment[name];
    if (value === undefined || value === null || String(value).trim() === "") continue;
    given[name] = String(value);
  }
  const parsed = v.safeParse(SCHEMA, given);
  if (!parsed.success) {
    const problems = parsed.issues.map((issue) => `${v.getDotPath(issue)} ${issue.message}`);
    throw new Error(`Configuration: ${[...new Set(problems)].join("; ")}.`);
  }
  const env = parsed.output;
  const enabledNips = [
    9,
    40,
    62,
    70,
    env.MIN_POW > 0 ? 13 : 0,
    env.ENABLE_COUNT ? 45 : 0,
    env.ENABLE_SEARCH ? 50 : 0,
    env.ENABLE_EOSE_HINT ? 67 : 0,
    env.ENABLE_NEGENTROPY ? 77 : 0,
  ];
  return {
    name: env.RELAY_NAME,
    description: env.RELAY_DESCRIPTION,
    pubkey: env.RELAY_PUBKEY,
    contact: env.RELAY_CONTACT,
    supportedNips:
      env.SUPPORTED_NIPS ?? [...DEFAULT_NIPS, ...enabledNips].filter((nip) => nip !== 0).sort((a, b) => a - b),
    relayUrls: [env.RELAY_URL, ...env.RELAY_URL_ALIASES],
    urlMatch: env.RELAY_URL_MATCH,
    authRequired: env.AUTH_REQUIRED,
    authTolerance: env.AUTH_TOLERANCE,
    maxMessageLength: env.MAX_MESSAGE_LENGTH,
    maxSubscriptions: env.MAX_SUBSCRIPTIONS,
    maxFilters: env.MAX_FILTERS,
    maxLimit: env.MAX_LIMIT,
    defaultLimit: Math.min(env.DEFAULT_LIMIT, env.MAX_LIMIT),
    maxCount: env.MAX_COUNT,
    maxEventTags: env.MAX_EVENT_TAGS,
    maxContentLength: env.MAX_CONTENT_LENGTH,
    maxTagValue: env.MAX_TAG_VALUE,
    createdAtUpperLimit: env.CREATED_AT_UPPER_LIMIT,
    createdAtLowerLimit: env.CREATED_AT_LOWER_LIMIT,
    minPow: env.MIN_POW,
    retention: [...env.RETENTION, ...jobRetention(env.RETENTION_JOB, env.RETENTION_RESULT)],
    maxStorage: env.MAX_STORAGE,
    privateKinds: new Set(env.PRIVATE_KINDS),
    countEnabled: env.ENABLE_COUNT,
    hllEnabled: env.ENABLE_HLL,
    searchEnabled: env.ENABLE_SEARCH,
    eoseHintEnabled: env.ENABLE_EOSE_HINT,
    andFiltersEnabled: env.ENABLE_AND_FILTERS,
    negentropyEnabled: env.ENABLE_NEGENTROPY,
    negTimeout: env.NEG_TIMEOUT,
    maxNegRecords: env.MAX_NEG_RECORDS,
    negFrameLimit: env.NEG_FRAME_LIMIT,
  };
}
