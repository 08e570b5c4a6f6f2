import { parseRules } from "../limits/rules.ts";
import { headerName, integer } from "./values.ts";
import { type About, variable } from "./variable.ts";

/** Rates, by scope; see docs/limits.md. */
function rates<const A extends About>(about: A & { hasKinds?: boolean }) {
  const form = about.hasKinds ? "`[kinds:]scope:per second/burst`" : "`scope:per second/burst`";
  return variable(
    {
      must: `must be off, or up to 50 rates like ${about.hasKinds ? "key:10/100 or 20-29:key:1/5" : "key:10/100"}, separated by commas`,
      values: `${form}, separated by commas, or \`off\``,
      form: { type: "rates" },
      parse: (value) => parseRules(value, about.hasKinds ?? false),
    },
    about as A,
  );
}

/** How much clients may ask for, and how many of them there may be. Defaults are beyond what a busy agent does. */
export const TRAFFIC = {
  LIMIT_EVENT: rates({
    hasKinds: true,
    default: "connection:1000/20000,key:2000/50000,remote-ip:4000/100000",
    help: "EVENT; for the kinds that a rate names, that rate holds instead of the one without kinds",
  }),
  LIMIT_REQ: rates({
    default: "connection:1000/20000,key:2000/50000,remote-ip:4000/100000",
    help: "REQ, and frames that are no message",
  }),
  LIMIT_COUNT: rates({ default: "connection:100/2000,key:200/5000,remote-ip:400/10000", help: "COUNT" }),
  LIMIT_SYNC: rates({
    default: "connection:200/5000,key:400/10000,remote-ip:800/20000",
    help: "NEG-OPEN and NEG-MSG",
  }),
  LIMIT_AUTH: rates({
    default: "connection:10/100,remote-ip:200/10000",
    help: "AUTH, besides ten failures a minute on one connection; `key` has no meaning here",
  }),
  LIMIT_CONNECT: rates({
    default: "remote-ip:10/300",
    help: "new connections; beyond, 429 with `Retry-After`; `connection` counts all of them together, `key` has no meaning here",
  }),
  LIMIT_BYTES: rates({
    default: "connection:33554432/268435456,key:67108864/536870912,remote-ip:67108864/1073741824",
    help: "characters of all frames",
  }),
  ABUSE_CUTOFF: integer({
    default: 0,
    min: 0,
    max: 1_000_000,
    unit: "messages",
    help: "how many messages the limits may refuse before the relay closes the connection and keeps its key out for a minute; each second forgives one; `0`: it never does",
  }),
  MAX_CONNECTIONS: integer({
    default: 10_000,
    min: 1,
    max: 32_000,
    unit: "connections",
    help: "open at a time; beyond, 503",
  }),
  MAX_CONNECTIONS_PER_IP: integer({
    min: 1,
    max: 32_000,
    unit: "connections",
    unset: "`200`, and any number from this machine",
    help: "open at a time from one IPv4 address or one IPv6 /64; beyond, 429",
  }),
  AUTH_TIMEOUT: integer({
    default: 30,
    min: 1,
    max: 86_400,
    unit: "seconds",
    help: "time after which a connection that has not logged in is closed, a tenth and a second later at most",
  }),
  AUTH_GRACE_MS: integer({
    default: 500,
    min: 0,
    max: 10_000,
    unit: "milliseconds",
    help: "how long after it connects a client's messages wait for its login, instead of being refused; `0`: they do not wait",
  }),
  CLIENT_IP_HEADER: headerName({
    isWiring: true,
    help: "header in which a proxy in front gives the address of the client; only where nobody can go around it",
  }),
};
