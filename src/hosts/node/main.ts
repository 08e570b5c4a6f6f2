import { chmodSync, closeSync, existsSync, fdatasync, fsyncSync, openSync, readdirSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createCrypto } from "../../protocol/crypto/secp256k1.ts";
import type { Access } from "../../relay/access/access.ts";
import type { Chores } from "../../relay/chores.ts";
import { settingsOf, VARIABLES } from "../../relay/config/config.ts";
import { Settings } from "../../relay/config/settings.ts";
import { Histogram, SECONDS } from "../../relay/metrics.ts";
import type { Clock } from "../../relay/ports.ts";
import { NewerSchemaError } from "../../store/schema.ts";
import { assemble, type Parts, type Running } from "../assemble.ts";
import { VERSION } from "../version.ts";
import { type BackupSettings, Backups, backupActions } from "./backups.ts";
import { Checkpoints } from "./checkpoints.ts";
import { ChoreTimer } from "./chore-timer.ts";
import { FreePages } from "./free-pages.ts";
import { guarded, logbook, NodeHost, report } from "./host.ts";
import { measuresOf } from "./measures.ts";
import { copyBeforeMigration } from "./migration-copy.ts";
import { Outbox } from "./outbox.ts";
import { createRelayServer } from "./server.ts";
import { Sockets } from "./sockets.ts";
import { type NodeSql, openSql } from "./sql.ts";
import { SyncGate } from "./sync-gate.ts";

const WASM = new URL("../../protocol/crypto/secp256k1.wasm", import.meta.url);

/** Name of the database in the data directory. */
export const DATABASE = "nexus.sqlite";

/** Descriptors that are kept for other things than connections. */
const RESERVED_FILES = 32;

/** Backups that are kept of those that somebody asks for, where `BACKUP_DIR` is not set. */
const KEPT = 3;

/** How long clients may take to go when the relay stops, in milliseconds. */
const GOODBYE_MS = 500;
const LOOK_MS = 10;

export interface NodeRelayOptions {
  /** The variables of the relay, checked. */
  variables: Readonly<Record<string, string>>;
  /** It exists, and is this process's alone. */
  dataDirectory: string;
  host: string;
  /** 0 for any that is free. */
  port: number;
  /** The disk does not keep what is written: all connections are closed, and the process has to end. */
  failed: () => void;
  /** Where backups go; without it there are none. */
  backup?: BackupSettings | undefined;
  /** Another time than that of the machine, for tests. */
  clock?: Clock;
}

/** A relay that runs. */
export interface NodeRelay {
  /** Who may do what, as it is now. */
  readonly access: Access;
  /** Whether somebody may become the operator with the token of `CLAIM_TOKEN`. */
  isClaimable(): boolean;
  /** Its periodic work, which is done when it is due. */
  readonly chores: Pick<Chores, "nextDue" | "run">;
  /** Where it listens. */
  readonly port: number;
  /** Takes the settings of another environment, but for its wiring; see `Settings.reload`. */
  readonly reload: Running["reload"];
  /** Makes a backup now; false if there is no directory for it. */
  backUp(): boolean;
  /** Ends all connections and closes the database, within two seconds. */
  stop(): Promise<void>;
}

/** The data cannot be opened; the message is for the operator. */
export class DataError extends Error {}

/** Starts the relay. Throws {@link DataError}, or what listening on the port throws. */
export async function startRelay({
  variables,
  dataDirectory,
  host,
  port,
  failed,
  backup,
  clock,
}: NodeRelayOptions): Promise<NodeRelay> {
  const path = join(dataDirectory, DATABASE);
  const sql = open(path, dataDirectory);
  const syncSeconds = new Histogram(SECONDS);
  const gate = new SyncGate(
    logFile(path, syncSeconds),
    report,
    () => {
      sockets.abort(1011, "the relay has to stop");
      failed();
    },
    () => nodeHost.wake(),
  );
  const outbox = new Outbox(gate);
  const checkpoints = new Checkpoints({
    path,
    report,
    written: () => sql.meter.written,
    empty: () => sql.emptyLog(),
    released: () => nodeHost.wake(),
  });
  const nodeHost = new NodeHost(() => gate.isSyncing || checkpoints.isHolding, clock);
  const freePages = new FreePages(sql, () => nodeHost.isSyncing);
  sql.onCommit = () => {
    outbox.committed();
    checkpoints.committed();
    freePages.committed();
  };
  const measures = () => measuresOf({ syncSeconds, host: nodeHost, sockets });
  const reading = (isReading: boolean) => {
    checkpoints.isPinned = isReading;
  };
  const ownBackups = { directory: join(dataDirectory, "backups"), keep: KEPT };
  const backups = new Backups(path, backup ?? ownBackups, report, reading);
  const actions = backupActions(backups, backup !== undefined);
  const running = put(sql, variables, nodeHost, path, { measures, actions });
  nodeHost.run = () => running.relay.run();
  nodeHost.spent = () => sql.meter.spent;
  const timer = new ChoreTimer(running.chores);
  running.chores.onDue = (seconds) => timer.ring(seconds);
  const { relay, opened, maxFrameLength, config } = running;
  const sockets = new Sockets({ relay, outbox, maxFrameLength, config, opened });
  running.start();
  const server = createRelayServer(running, sockets, gate);
  server.maxConnections = maxFiles() - RESERVED_FILES;
  await listen(server, host, port);
  tighten(dataDirectory);
  if (backup !== undefined) backups.start();
  report("started", { version: VERSION, ...settingsOf(VARIABLES, variables) }, "info");

  return {
    access: running.access,
    isClaimable: running.isClaimable,
    chores: running.chores,
    reload: running.reload,
    port: (server.address() as AddressInfo).port,
    backUp() {
      if (backup !== undefined) backups.make();
      return backup !== undefined;
    },
    async stop() {
      server.close();
      server.closeIdleConnections();
      timer.stop();
      freePages.stop();
      running.relay.commitAll();
      sockets.hangUp();
      await gone(sockets);
      server.closeAllConnections();
      await backups.stop();
      await checkpoints.stop();
      // What came before the sockets were gone counts, too. Where the counts are behind the next start counts every job.
      running.relay.commitAll();
      guarded("counts not saved", () => {
        if (running.log.hasUnsavedCounts) running.log.saveCounts();
      });
      // What still waits has no answer, and gets none.
      nodeHost.run = () => false;
      sql.close();
    },
  };
}

function open(path: string, dataDirectory: string): NodeSql {
  // What is made from here on is for its owner alone; so are the files that an earlier version has made.
  process.umask(0o077);
  try {
    tighten(dataDirectory);
    const sql = openSql(path);
    // The log is made by the first read, and has to be found in its directory after a crash.
    sql.all("SELECT 1 FROM sqlite_schema LIMIT 1");
    syncDirectory(dataDirectory);
    return sql;
  } catch (error) {
    throw new DataError(
      `The database ${path} cannot be opened: ${messageOf(error)}. It and the files that begin with its name must be files that their owner may read and write, or not be there.`,
    );
  }
}

function put(
  sql: NodeSql,
  variables: NodeRelayOptions["variables"],
  host: NodeHost,
  path: string,
  more: Pick<Parts, "measures" | "actions">,
) {
  const crypto = createCrypto(new WebAssembly.Module(readFileSync(WASM)));
  try {
    const settings = new Settings(variables);
    const { config } = settings;
    logbook.settings = config;
    logbook.format = config.logFormat ?? (process.stderr.isTTY ? "text" : "json");
    const errors = () => logbook.errors;
    const copy = copyBeforeMigration(sql, path);
    if (copy !== undefined) report("database copied before its migration", { copy }, "info");
    // What is a little too long is refused in the form of its verb (M-15), and so has to be read.
    const maxFrameLength = () => Math.max(2 * config.maxMessageLength, 1 << 20);
    const age = () => ({ uptime_seconds: Math.floor(process.uptime()) });
    const running: Running = assemble({ settings, sql, crypto, host, age, maxFrameLength, errors, ...more });
    running.store.lookups.check();
    return running;
  } catch (error) {
    sql.close();
    if (error instanceof NewerSchemaError) throw new DataError(error.message);
    throw new DataError(`The relay cannot read its store ${path}: ${messageOf(error)}.`);
  }
}

/**
 * The log of the database, to be synced. No other file of it may be opened here: closing it would release the locks that
 * SQLite holds on it for this process.
 */
function logFile(path: string, seconds: Histogram) {
  const file = openSync(`${path}-wal`, "r");
  return {
    sync(done: (error: Error | null) => void) {
      const begunMs = performance.now();
      fdatasync(file, (error) => {
        seconds.observe((performance.now() - begunMs) / 1000);
        done(error);
      });
    },
  };
}

function syncDirectory(directory: string): void {
  const file = openSync(directory, "r");
  fsyncSync(file);
  closeSync(file);
}

/** Takes the data from everybody but its owner. */
function tighten(dataDirectory: string): void {
  chmodSync(dataDirectory, 0o700);
  for (const name of readdirSync(dataDirectory)) {
    if (name.startsWith(DATABASE)) chmodSync(join(dataDirectory, name), 0o600);
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

/** Waits until all sockets are gone, for some time from when each has been told. */
async function gone(sockets: Sockets): Promise<void> {
  for (let waitedMs = 0; sockets.size > 0 && waitedMs < GOODBYE_MS; waitedMs += LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (!sockets.hasWritten) waitedMs = 0;
  }
}

/** How many files this process may open; infinity where nobody says. */
function maxFiles(): number {
  if (!existsSync("/proc/self/limits")) return Number.POSITIVE_INFINITY;
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  return Number(soft ?? Number.POSITIVE_INFINITY);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
