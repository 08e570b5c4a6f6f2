import { expect, test } from "vitest";
import { assemble } from "../../src/hosts/assemble.ts";
import { retentionOf } from "../../src/protocol/retention.ts";
import { type Config, VARIABLES } from "../../src/relay/config/config.ts";
import { Settings } from "../../src/relay/config/settings.ts";
import { MORTAL } from "../../src/relay/ports.ts";
import { secp256k1 as crypto } from "../support/crypto.ts";
import { memorySql } from "../support/memory-sql.ts";
import { NOW, unsigned, verified } from "./stocked.ts";

/** What is made of these is made anew when they change (`changed` in `assemble.ts`), or stays the same object. */
// `filterOptions` reads the fourth with them.
const MADE_ANEW = ["andFiltersEnabled", "searchEnabled", "privateKinds", "membershipEnabled"];

const OPERATOR = "a".repeat(64);
const DAY = 86_400;

/** A relay put together over settings whose use `see` may watch, and the times for which it asked to be rung. */
function put(environment: Record<string, string>, see?: (config: Config) => Config) {
  const settings = new Settings({ RELAY_SECRET_KEY: "7".repeat(64), RELAY_PUBKEY: OPERATOR, ...environment });
  if (see !== undefined) Object.defineProperty(settings, "config", { value: see(settings.config) });
  const time = { now: NOW };
  const host = {
    clock: { nowSeconds: () => time.now, nowMs: () => time.now * 1000, soon() {} },
    survival: MORTAL,
    report() {},
    randomHex: (bytes: number) => "0".repeat(2 * bytes),
    wake() {},
    isSyncing: false,
    gatherMs: 0,
  };
  const sql = memorySql();
  const running = assemble({ settings, sql, crypto, host, age: () => ({}), maxFrameLength: () => 1 << 20 });
  const rings: number[] = [];
  running.chores.onDue = (seconds) => rings.push(seconds);
  /** Does all that is due. */
  const work = () => {
    for (let step = 0; step < 50 && running.chores.run(); step++);
  };
  const set = (name: string, value: string) => {
    expect(running.management.call(OPERATOR, "setsetting", [name, value])).toEqual({ ok: true, value: true });
  };
  const publish = (template: Parameters<typeof unsigned>[0]) => running.log.append([verified(unsigned(template))]);
  const rows = (kind: number) => Number(sql.all("SELECT count(*) FROM event WHERE kind = ?1", kind)[0]?.[0]);
  return { ...running, time, rings, work, set, publish, rows };
}

const JOB = { kind: 5000, tags: [["i", "x", "text"]] };

test("R-05-79 putting a relay together reads no setting that may change: nobody keeps a copy", () => {
  const read = new Set<string>();
  let isWatched = true;
  put({}, (config) => {
    const get = (of: Config, name: string | symbol) => {
      if (isWatched) read.add(String(name));
      return Reflect.get(of, name);
    };
    return new Proxy(config, { get });
  });
  isWatched = false;
  const wiring = Object.entries(VARIABLES).filter(([, { isWiring }]) => isWiring);
  const names = wiring.map(([name]) =>
    name
      .replace(/^RELAY_/, "")
      .toLowerCase()
      .replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  );
  const kept = [...read].filter((name) => !names.includes(name) && !MADE_ANEW.includes(name));
  expect(kept).toEqual([]);
  expect(read).toContain("secretKey");
});

test("R-05-79 who has worked with a list of the settings does not go on with it once there is another", () => {
  let isOther = false;
  const used = new Set<string>();
  const relay = put({}, (config) => {
    const firsts = new Map<string | symbol, unknown>();
    const others = new Map<string | symbol, unknown>();
    const get = (of: Config, name: string | symbol): unknown => {
      const value: unknown = Reflect.get(of, name);
      if (!Array.isArray(value)) return value;
      const lists = isOther ? others : firsts;
      const list = lists.get(name) ?? (isOther ? [...value] : watched(value, () => isOther && used.add(String(name))));
      lists.set(name, list);
      return list;
    };
    return new Proxy(config, { get });
  });
  const live = () => {
    relay.publish({ ...JOB, created_at: relay.time.now });
    relay.time.now += 10 * DAY;
    relay.chores.nextDue();
    relay.work();
    relay.statistics();
    relay.management.call(OPERATOR, "stats", []);
  };
  live();
  isOther = true;
  // So does each change.
  relay.chores.nextDue();
  live();
  expect([...used]).toEqual([]);
  expect(relay.rows(JOB.kind)).toBe(0);
});

function watched<T extends object>(value: T, use: () => void): T {
  const get = (of: T, name: string | symbol): unknown => {
    use();
    return Reflect.get(of, name);
  };
  return new Proxy(value, { get });
}

test("R-05-79 R-07-01 what is kept longer than before is not erased when it would have been", () => {
  const relay = put({ RETENTION_JOB: `${DAY}` });
  relay.work();
  relay.set("RETENTION_JOB", `${10 * DAY}`);
  relay.publish({ ...JOB, created_at: NOW });
  relay.time.now += 2 * DAY;
  relay.work();
  expect(relay.rows(JOB.kind)).toBe(1);
  relay.time.now += 9 * DAY;
  relay.work();
  expect(relay.rows(JOB.kind)).toBe(0);
});

test("R-05-79 R-07-01 what is kept shorter than before is erased within the hour, and the host is told", () => {
  const relay = put({ RETENTION_JOB: `${10 * DAY}` });
  relay.publish({ ...JOB, created_at: NOW });
  relay.work();
  expect(relay.chores.nextDue()).toBeGreaterThan(NOW + 6 * DAY);
  relay.set("RETENTION_JOB", "3600");
  expect(Math.min(...relay.rings)).toBeLessThanOrEqual(NOW + 2 * 3600);
  relay.time.now += 2 * 3600;
  relay.work();
  expect(relay.rows(JOB.kind)).toBe(0);
});

test("R-07-01 what came under other rules is erased when the first rules count again", () => {
  const relay = put({ RETENTION_JOB: "3600" });
  // One that is kept for ever has the relay note up to where it has looked.
  relay.publish({ kind: JOB.kind, created_at: NOW - 1800, tags: [["poll", "x"]] });
  relay.publish({ ...JOB, created_at: NOW - 1800 });
  relay.time.now += 3 * 3600;
  relay.work();
  expect(relay.rows(JOB.kind)).toBe(1);
  relay.set("RETENTION_JOB", `${10 * DAY}`);
  relay.publish({ ...JOB, created_at: NOW - DAY });
  relay.set("RETENTION_JOB", "3600");
  relay.work();
  expect(relay.rows(JOB.kind)).toBe(1);
});

test("R-05-79 a malformed stored value lets nobody in and erases nothing, whatever the environment says", () => {
  const open = {
    AUTH_REQUIRED: "false",
    READ_ACCESS: "open",
    WRITE_ACCESS: "open",
    INVITE_ACCESS: "members",
    RETENTION: "1:60",
    RETENTION_JOB: "60",
    RETENTION_RESULT: "60",
    MAX_LIMIT: "77",
  };
  const settings = new Settings(open);
  settings.attach({ get: (_, name) => (name in open ? "not this" : undefined) });
  expect(Object.keys(settings.problems()).sort()).toEqual(Object.keys(open).sort());
  const { authRequired, readAccess, writeAccess, inviteAccess, maxLimit, retention } = settings.config;
  expect({ authRequired, readAccess, writeAccess, inviteAccess, maxLimit }).toEqual({
    authRequired: true,
    readAccess: "allowed",
    writeAccess: "allowed",
    inviteAccess: "admins",
    maxLimit: 77,
  });
  expect([1, 5000, 6000, 7000].map((kind) => retentionOf(retention, kind))).toEqual(Array(4).fill(undefined));
});
