import type { Crypto } from "../protocol/crypto/secp256k1.ts";
import type { Event } from "../protocol/event.ts";
import { REPORT_KIND } from "../protocol/kind.ts";
import type { Result } from "../protocol/reason.ts";
import type { Access } from "../relay/access/access.ts";
import { LoginTimeout } from "../relay/access/login-timeout.ts";
import { JobBoard } from "../relay/board/job-board.ts";
import { Chores, dueOf, erasingOf, storeChores } from "../relay/chores.ts";
import { type Config, type Environment, filterOptions } from "../relay/config/config.ts";
import type { Settings } from "../relay/config/settings.ts";
import type { Connection } from "../relay/connection.ts";
import { Blocked } from "../relay/limits/blocked.ts";
import { isClaimable, offerClaim } from "../relay/manage/claim.ts";
import { Management } from "../relay/manage/management.ts";
import { noteReport } from "../relay/manage/reports.ts";
import type { Restoring } from "../relay/manage/restore.ts";
import { statistics } from "../relay/manage/statistics.ts";
import type { Host } from "../relay/ports.ts";
import { Relay } from "../relay/relay.ts";
import { AccessStore } from "../store/access-store.ts";
import { Cleanup } from "../store/erase/cleanup.ts";
import { EventLog } from "../store/event-log.ts";
import { EventStore } from "../store/event-store.ts";
import { migrate } from "../store/schema.ts";
import type { Sql } from "../store/sql.ts";
import { StateTables } from "../store/state-tables.ts";
import { type Family, metricsOf } from "./http/metrics.ts";
import { Readiness } from "./http/readiness.ts";
import { VERSION } from "./version.ts";

/** A method of management that only this host has, and that may wait. For operators only. */
export interface Action {
  /** It is recorded. */
  isChange: boolean;
  run(params: readonly unknown[]): Promise<Result<unknown>>;
}

/** What a host brings. */
export interface Parts {
  /** Those of the environment; what is stored is added. */
  settings: Settings;
  /** An open database, empty or of this or an older version. */
  sql: Sql;
  crypto: Crypto;
  host: Host;
  /** How long it has been running, as far as the host knows, for the statistics. */
  age: () => Readonly<Record<string, number>>;
  /** Bytes of a message beyond which the host closes a new connection with 1009, before the relay sees it. */
  maxFrameLength: () => number;
  /** Failures that the host has reported so far; what it measures itself. */
  errors?: () => number;
  measures?: () => readonly Family[];
  actions?: Readonly<Record<string, Action>>;
}

/** One running relay. */
export interface Running {
  settings: Settings;
  config: Config;
  access: Access;
  blocked: Blocked;
  crypto: Crypto;
  host: Host;
  maxFrameLength: () => number;
  relay: Relay;
  management: Management;
  store: EventStore;
  log: EventLog;
  readiness: Readiness;
  meter: Sql["meter"];
  startedAtMs: number;
  storageBytes(): number;
  errors(): number;
  measures(): readonly Family[];
  /** Methods of management of this host alone, by their names. */
  actions: Readonly<Record<string, Action>>;
  /** Periodic work. The host sets `chores.onDue` and calls `chores.run` when it is due. */
  chores: Chores;
  /** To be called once the host has connections that it kept, if any: what has changed meanwhile is carried out. */
  start(): void;
  /** Takes the settings of another environment, but for its wiring; see {@link Settings.reload}. */
  reload(environment: Environment): ReturnType<Settings["reload"]>;
  /** A connection has been opened. */
  opened(connection: Connection): void;
  /** Whether somebody may become the operator with the token of `CLAIM_TOKEN`. */
  isClaimable(): boolean;
  /** What anybody may know about the relay (R-08-06). */
  statistics(): Record<string, unknown>;
}

/** How long changed counts wait to be saved, in milliseconds: one row for all events of that time. */
const SAVE_COUNTS_MS = 1000;

/** Events of the relay itself that one step of a restore removes. */
const CLEARED_AT_ONCE = 250;

/** Puts store, core and host together: the same for all hosts. Throws if the database is of a newer version or broken. */
export function assemble(parts: Parts): Running {
  const { settings, sql, crypto, host, age, maxFrameLength } = parts;
  const { config } = settings;
  const { clock, report } = host;
  migrate(sql);
  const lists = new AccessStore(sql);
  settings.attach(lists);
  for (const [setting, problem] of Object.entries(settings.problems())) {
    report("stored setting left out", { setting, problem });
  }
  const nowSeconds = () => clock.nowSeconds();
  const store = new EventStore(sql, { search: filterOptions(config).search, nowSeconds });
  const access: Access = { config, lists };
  offerClaim(access, (text) => crypto.sha256(text), nowSeconds());
  const log = new EventLog(sql, store, config, nowSeconds, erasingOf(lists));
  // Moderators learn no more than anybody of what is private (R-05-29).
  const storedOf = (ids: readonly string[]) => store.lookups.storedOf(ids, config.privateKinds);
  const stored = (event: Event) => {
    chores.onDue(dueOf(event, config.retention));
    if (event.kind !== REPORT_KIND) return;
    try {
      noteReport(event, lists, storedOf);
    } catch (error) {
      // The report is stored already: what goes wrong here must not reach whoever sent it.
      report("report not queued", { error: String(error) });
    }
  };
  let isSaving = false;
  const committed = () => {
    // What bans hide makes room.
    if (store.hasWork || (lists.size("erasing") > 0 && log.isFull())) chores.onDue(clock.nowSeconds());
    if (isSaving || !log.hasUnsavedCounts) return;
    isSaving = true;
    clock.soon(SAVE_COUNTS_MS, () => {
      isSaving = false;
      // The host saves them when it stops.
      if (log.hasUnsavedCounts) log.saveCounts();
    });
  };
  const relay = new Relay({
    config,
    access,
    changeLog: lists,
    log,
    host,
    crypto,
    meter: sql.meter,
    on: { stored, committed },
  });
  const cleanup = new Cleanup(sql, store);
  const close = (connection: Connection, code: number, text: string) => relay.close(connection, code, text);
  const login = new LoginTimeout(config, clock, relay.connections, close);
  const chores = new Chores(
    [...storeChores(store, cleanup, lists, config, clock, () => log.isFull()), login],
    clock,
    report,
  );
  const blocked = new Blocked(lists);
  const closeBlocked = () => {
    for (const connection of [...relay.connections]) {
      const isBlocked = connection.origin !== undefined && blocked.has(connection.origin.ip);
      if (isBlocked) relay.close(connection, 1008, "blocked: this address is blocked");
    }
  };
  const onDue = (seconds: number) => chores.onDue(seconds);
  /** What was made of settings that are others now is made anew. Who may no longer read goes first. */
  const changed = (names: readonly string[]) => {
    if (names.length === 0) return;
    relay.reconsider(names.includes("AUTH_REQUIRED") && config.authRequired);
    const isSearchOther = names.includes("ENABLE_SEARCH") || names.includes("PRIVATE_KINDS");
    if (isSearchOther) store.search.follow(filterOptions(config).search, store.head);
    if (names.includes("ENABLE_MEMBERSHIP")) relay.settleMembership();
    login.watch(onDue);
    onDue(chores.nextDue());
  };
  const enforce = () => {
    const names = settings.refresh();
    for (const connection of [...relay.connections]) relay.enforce(connection);
    changed(names);
  };
  const jobBoard = new JobBoard({ config, store, log, lists, clock, connections: relay.connections });
  const statisticsDeps = { jobBoard, config, relay, store, log, version: VERSION, age, storageBytes: () => sql.size() };
  const self = config.secretKey === undefined ? undefined : crypto.publicKey(config.secretKey);
  const actions = parts.actions ?? {};
  const restoring: Restoring = {
    tables: new StateTables(sql, store),
    self,
    clearOwn() {
      for (const [subject] of lists.entries("owed")) lists.remove("owed", subject);
      if (self !== undefined) while (cleanup.removeAuthor(self, CLEARED_AT_ONCE) > 0);
    },
    reload: () => relay.membership?.invites.reload(),
    announceAll() {
      lists.remove("signing", "self");
      relay.membership?.announcements.start();
    },
  };
  const management = new Management({
    access,
    settings,
    changeLog: lists,
    clock,
    sha256: (text) => crypto.sha256(text),
    report,
    storedOf,
    authorOf: (id) => store.lookups.find(id)?.pubkey ?? store.ledger.find(id, clock.nowSeconds())?.job.customer,
    storedBy: (pubkey) => store.lookups.storedBy(pubkey, config.privateKinds),
    connections: relay.connections,
    closeBlocked,
    eraseAt: (seconds) => chores.onDue(log.isFull() ? clock.nowSeconds() : seconds),
    enforce,
    statistics: () => statistics(statisticsDeps, true),
    metrics: () => metricsOf(running),
    jobBoard,
    rebuildJobs() {
      if (store.ledger.isRebuilding) return false;
      store.ledger.rebuild();
      chores.onDue(clock.nowSeconds());
      return true;
    },
    get membership() {
      return relay.membership;
    },
    transfer: { log, importer: relay.importer, restoring },
    actions: new Set(Object.keys(actions)),
  });
  const running: Running = {
    settings,
    config,
    access,
    blocked,
    crypto,
    host,
    maxFrameLength,
    relay,
    management,
    store,
    log,
    readiness: new Readiness(log, clock, report),
    meter: sql.meter,
    startedAtMs: clock.nowMs(),
    storageBytes: () => sql.size(),
    errors: parts.errors ?? (() => 0),
    measures: parts.measures ?? (() => []),
    actions,
    chores,
    start() {
      closeBlocked();
      enforce();
      relay.settleMembership();
      chores.onDue(chores.nextDue());
    },
    reload(environment) {
      relay.commitAll();
      const told = settings.reload(environment);
      changed(told.changed);
      return told;
    },
    opened: () => login.watch(onDue),
    isClaimable: () => isClaimable(access, nowSeconds()),
    statistics: () => statistics(statisticsDeps, false),
  };
  return running;
}
