import { TRAFFIC } from "./traffic.ts";
import {
  contact,
  flag,
  integer,
  integers,
  oneOf,
  origins,
  publicKey,
  publicKeys,
  relayUrl,
  relayUrls,
  retention,
  secretKey,
  text,
  token,
  webUrl,
} from "./values.ts";

const RELAY = {
  RELAY_NAME: text({ max: 200, default: "Nexus", help: "name in NIP-11" }),
  RELAY_URL: relayUrl({
    isWiring: true,
    default: "wss://nexus.openagents.com",
    unset: "`wss://nexus.openagents.com`; with `npm start` `ws://localhost:PORT`",
    help: "URL that clients must name in AUTH; its path is where the relay answers",
  }),
  RELAY_JURISDICTION: oneOf(["eu", "us", "fedramp", "fedramp-high"], {
    isWiring: true,
    unset: "near the first request",
    help: "on Cloudflare: where the relay and its data must stay; another value is another, empty relay",
  }),
  RELAY_URL_ALIASES: relayUrls({
    isWiring: true,
    default: "",
    help: "further URLs that clients may name in AUTH; `npm start` adds the loopback names where `RELAY_URL` is none or one of them",
  }),
  MANAGEMENT_URL_ALIASES: relayUrls({
    isWiring: true,
    unset: "as `RELAY_URL_ALIASES`",
    help: "further URLs that management calls may name (NIP-98)",
  }),
  VANISH_URL_ALIASES: relayUrls({
    isWiring: true,
    unset: "as `RELAY_URL_ALIASES`",
    help: "further URLs by which a request to vanish may name this relay, if its author hands it in",
  }),
  RELAY_URL_MATCH: oneOf(["normalized", "exact"], {
    default: "normalized",
    help: "`normalized`: any spelling of the same URL will do; `exact`: to the letter, trailing slash included",
  }),
  RELAY_DESCRIPTION: text({ max: 5000, help: "description in NIP-11" }),
  RELAY_PUBKEY: publicKey({ isWiring: true, help: "public key of the operator" }),
  RELAY_CONTACT: contact({ help: "how to reach the operator, in NIP-11" }),
  RELAY_ICON: webUrl({ help: "square picture of the relay, in NIP-11" }),
  RELAY_BANNER: webUrl({ help: "wide picture of the relay, in NIP-11" }),
  RELAY_TERMS_OF_SERVICE: webUrl({ help: "page with the terms of service, in NIP-11" }),
  RELAY_SECRET_KEY: secretKey({
    isWiring: true,
    help: "secret key of the relay itself, hex; signs membership lists and shows as `self` in NIP-11",
  }),
  SUPPORTED_NIPS: integers({ max: 999, unset: "what is switched on", help: "NIPs that NIP-11 lists" }),
};

const ACCESS_MODES = ["open", "authenticated", "allowed", "members"] as const;

const ACCESS = {
  AUTH_REQUIRED: flag({ default: true, help: "`false` lets everybody read and write; for tests" }),
  AUTH_TOLERANCE: integer({
    default: 600,
    min: 1,
    max: 86_400,
    unit: "seconds",
    help: "how old or how far ahead an AUTH event may be",
  }),
  ADMIN_PUBKEYS: publicKeys({
    isWiring: true,
    default: "",
    help: "keys that may manage the relay, besides `RELAY_PUBKEY`",
  }),
  CLAIM_TOKEN: token({
    isWiring: true,
    min: 32,
    help: "one-time secret by which somebody becomes the operator of a relay that has none, on the page `/claim#` and this",
    unset: "none; `npm start` makes one",
  }),
  READ_ACCESS: oneOf(ACCESS_MODES, {
    unset: "`open` until the allow list has its first entry; from then on members and keys on it",
    help: "who may read. `open`: every key; `authenticated`: every key, after a login even where `AUTH_REQUIRED` is `false`; `allowed`: keys on the allow list; `members`: members",
  }),
  WRITE_ACCESS: oneOf(ACCESS_MODES, { unset: "as above", help: "who may publish, as above" }),
  ALLOWED_ORIGINS: origins({
    isWiring: true,
    unset: "any",
    help: "web pages from which a browser may connect and manage; what is no browser sends no origin and is let in",
  }),
  INVITE_ACCESS: oneOf(["admins", "members"], {
    default: "admins",
    help: "who may ask for invite codes: admins, or members too",
  }),
  INVITE_USES: integer({
    default: 1,
    min: 1,
    max: 10_000,
    unit: "uses",
    help: "how many may join with one invite code",
  }),
  INVITE_TTL: integer({
    default: 604_800,
    min: 60,
    max: 31_536_000,
    unit: "seconds",
    help: "how long an invite code is good",
  }),
  MAX_MEMBERS: integer({ default: 5000, min: 1, max: 5000, unit: "members", help: "members at most" }),
  ALLOWED_KINDS: integers({ default: "", max: 65_535, unset: "all", help: "kinds that are taken" }),
  PRIVATE_KINDS: integers({
    // R-05-28.
    default: "4,13,14,15,1059,21059",
    max: 65_535,
    help: "kinds shown only to author and `p`-tagged keys",
  }),
};

const EVENTS = {
  MIN_POW: integer({ default: 0, min: 0, max: 256, unit: "bits", help: "leading zeros that an id must have (NIP-13)" }),
  MAX_EVENT_TAGS: integer({ default: 12_000, min: 0, max: 20_000, unit: "tags", help: "size of one event" }),
  MAX_CONTENT_LENGTH: integer({
    default: 250_000,
    min: 0,
    max: 1_000_000,
    unit: "characters",
    help: "length of an event's content",
  }),
  DVM_VALIDATION: oneOf(["off", "standard", "strict"], {
    default: "standard",
    help: "how well formed jobs, their results, feedback and handlers must be (NIP-89, NIP-90)",
  }),
  CREATED_AT_UPPER_LIMIT: integer({
    default: 900,
    min: 0,
    max: 4_294_967_296,
    unit: "seconds",
    help: "how far ahead an event may be",
  }),
  CREATED_AT_LOWER_LIMIT: integer({
    min: 1,
    max: 4_294_967_296,
    unit: "seconds",
    help: "how old an event may be",
  }),
};

const LIMITS = {
  MAX_MESSAGE_LENGTH: integer({
    default: 1_048_576,
    min: 1024,
    // An event is one row, and the platform's rows end at 2 MB.
    max: 1_900_000,
    unit: "bytes",
    help: "size of one frame",
  }),
  MAX_SUBSCRIPTIONS: integer({
    default: 200,
    min: 1,
    max: 2000,
    unit: "subscriptions",
    help: "open on one connection",
  }),
  MAX_FILTERS: integer({ default: 100, min: 1, max: 1000, unit: "filters", help: "filters of one REQ" }),
  MAX_LIMIT: integer({ default: 5000, min: 1, max: 50_000, unit: "events", help: "events of one filter at most" }),
  DEFAULT_LIMIT: integer({
    default: 500,
    min: 1,
    max: 50_000,
    unit: "events",
    help: "events of a filter without `limit`; not more than `MAX_LIMIT`",
  }),
  MAX_COUNT: integer({
    default: 1_000_000,
    min: 1,
    max: 10_000_000,
    unit: "events",
    help: "largest COUNT; beyond, it is approximate",
  }),
  NEG_TIMEOUT: integer({ default: 60, min: 1, max: 3600, unit: "seconds", help: "time after which an idle sync ends" }),
  MAX_NEG_RECORDS: integer({
    default: 500_000,
    min: 1,
    max: 1_000_000,
    unit: "events",
    help: "events of one sync at most",
  }),
  NEG_FRAME_LIMIT: integer({
    default: 500_000,
    min: 4096,
    max: 4_000_000,
    unit: "bytes",
    help: "size of one answer of a sync; its hex text is twice as long",
  }),
};

const RETENTION = {
  RETENTION_JOB: integer({
    default: 86_400,
    min: 0,
    max: 4_294_967_296,
    unit: "seconds",
    help: "how long job requests (5000–5999) and feedback (7000) are kept; `0`: for ever. What is no job, but of these kinds, is kept for ever",
  }),
  RETENTION_RESULT: integer({
    default: 604_800,
    min: 0,
    max: 4_294_967_296,
    unit: "seconds",
    help: "how long job results (6000–6999) are kept; `0`: for ever. What is no result, but of these kinds, is kept for ever",
  }),
  RETENTION: retention({ default: "", help: "further rules, tried first; the first that covers a kind decides" }),
  BAN_ERASE_AFTER: integer({
    default: 604_800,
    min: 0,
    max: 31_536_000,
    unit: "seconds",
    help: "how long what a ban hides is kept, so that an unban brings it back; less while the storage is full",
  }),
  MAX_STORAGE: integer({
    default: 9_000_000_000,
    min: 1_000_000,
    max: 10_000_000_000,
    unit: "bytes",
    help: "size of the store beyond which only deletions that make room are taken, and requests to vanish carried out",
  }),
};

const FEATURES = {
  ENABLE_COUNT: flag({ default: true, help: "COUNT (NIP-45)" }),
  ENABLE_HLL: flag({ default: true, help: "HyperLogLog registers with a COUNT of one tag value (NIP-45)" }),
  ENABLE_SEARCH: flag({
    default: true,
    help: "`search` filters (NIP-50): a row more for each event with text; older events are added in the background",
  }),
  ENABLE_EOSE_HINT: flag({
    default: false,
    help: "`finish` or `more` in EOSE (NIP-67); clients that expect two elements there hang on it",
  }),
  ENABLE_JOB_HINT: flag({
    default: true,
    help: "the OK of a job request says where nobody listens for it, and until when it is held (NIP-90)",
  }),
  ENABLE_AND_FILTERS: flag({ default: false, help: "`&t` filters: all values must be there" }),
  ENABLE_NEGENTROPY: flag({ default: true, help: "sync (NIP-77)" }),
  ENABLE_MANAGEMENT: flag({ isWiring: true, default: true, help: "management over HTTP (NIP-86)" }),
  ENABLE_MEMBERSHIP: flag({ default: true, help: "members and invites (NIP-43), where `RELAY_SECRET_KEY` is set" }),
};

const SIGHT = {
  METRICS_TOKEN: token({
    isWiring: true,
    min: 16,
    unset: "none: there is no `/metrics`",
    help: "token that `GET /metrics` needs in `Authorization: Bearer`",
  }),
  LOG_LEVEL: oneOf(["error", "warn", "info"], {
    default: "info",
    help: "least important lines of the log: failures of the relay, clients that were stopped, or what happened",
  }),
  LOG_FORMAT: oneOf(["json", "text"], {
    isWiring: true,
    unset: "`text` on a terminal, `json` otherwise",
    help: "form of a line of the log",
  }),
};

/** The relay's variables as docs/configure.md groups them. CONTRIBUTING.md says what a new one needs besides. */
export const GROUPS = {
  Relay: RELAY,
  Access: ACCESS,
  Events: EVENTS,
  Limits: LIMITS,
  Traffic: TRAFFIC,
  Retention: RETENTION,
  Features: FEATURES,
  Sight: SIGHT,
};

/** All variables of the relay. */
export const VARIABLES = { ...RELAY, ...ACCESS, ...EVENTS, ...LIMITS, ...TRAFFIC, ...RETENTION, ...FEATURES, ...SIGHT };
