import { assemble, type Running } from "../../../src/hosts/assemble.ts";
import { Settings as RelaySettings } from "../../../src/relay/config/settings.ts";
import type { Connection } from "../../../src/relay/connection.ts";
import type { Host, Logger } from "../../../src/relay/ports.ts";
import { RELAY_URL } from "../../support/client.ts";
import type { Archive } from "../../support/model/archive.ts";
import { START_TIME } from "../../support/model/drafts.ts";
import { Random } from "../../support/random.ts";
import type { Settings } from "../actions.ts";
import { CRYPTO } from "./crypto.ts";
import { Disk, type Outgoing } from "./disk.ts";
import { Hibernating } from "./hibernating.ts";
import type { SimulatedSocket } from "./simulated-socket.ts";
import { SimulatedSql } from "./simulated-sql.ts";
import { SimulatedTime } from "./simulated-time.ts";

/** Who is told of what the machine does. */
export interface Observer {
  /** What is stored, as far as the judge knows. */
  known(): Archive;
  /** A frame reaches its client; so many commits are durable. */
  left(outgoing: Outgoing, durable: number): void;
  readonly report: Logger;
}

/** Steps of chores that are done at a time. */
const STEPS = 5;

/** What every simulated relay is told: strangers stay, and EOSE says whether the answer was complete. */
const VARIABLES = { RELAY_URL, AUTH_TIMEOUT: "600", ENABLE_EOSE_HINT: "true" };

/** A relay, and the machine that it runs on: time, disk, memory. */
export class Machine {
  readonly time = new SimulatedTime(START_TIME);
  readonly random: Random;
  sql: SimulatedSql;
  disk: Disk<Archive>;
  running: Running;
  /** The relay has asked to be run, or has not done all. */
  isAwake = false;
  /** The most that one run, timer or step of a chore has taken, in units. */
  worst = 0;
  readonly #settings: Settings;
  readonly #observer: Observer;
  #hibernating: Hibernating | undefined;
  #dueSeconds = Number.POSITIVE_INFINITY;

  constructor(settings: Settings, observer: Observer) {
    this.#settings = settings;
    this.#observer = observer;
    this.random = new Random(settings.seed ^ 0x5eed);
    this.sql = SimulatedSql.fresh(settings.scale);
    this.#hibernating = this.#newHibernating();
    this.disk = this.#newDisk();
    this.running = this.#boot();
  }

  get hibernates(): boolean {
    return this.#settings.hibernates;
  }

  /** Whether it would lose a subscription with its memory: a timer is pending until that is written. */
  get isHolding(): boolean {
    return this.#hibernating?.isHolding === true;
  }

  /** Lets the relay serve what has arrived. */
  run(): void {
    this.isAwake = false;
    this.#measured(() => {
      if (this.running.relay.run()) this.isAwake = true;
    });
  }

  /** Lets a timer ring. */
  ring(task: () => void): void {
    this.#measured(() => {
      try {
        task();
      } catch (error) {
        this.#observer.report("a timer throws", { error: String(error) });
      }
    });
  }

  get isWorkDue(): boolean {
    return this.time.nowSeconds() >= this.#dueSeconds;
  }

  /** Does periodic work that is due; `done` is told after each step. */
  work(done: () => void): void {
    const { chores } = this.running;
    for (let left = STEPS, isMore = true; left > 0 && isMore; left--) {
      this.#measured(() => {
        isMore = chores.run();
      });
      done();
    }
    this.#dueSeconds = chores.nextDue();
  }

  /** Keeps a new connection; false if that fails. */
  keep(connection: Connection): boolean {
    try {
      this.#hibernating?.survival.keep(connection);
      return true;
    } catch {
      return false;
    }
  }

  /** Stops, and starts with what was on the disk; returns what the judge knew of that. */
  crash(): Archive {
    const { content, known } = this.disk.afterCrash();
    this.sql.close();
    this.sql = new SimulatedSql(this.#settings.scale, content);
    this.#hibernating = this.#newHibernating();
    this.time.forget();
    return known.clone();
  }

  /** To be called when the judge has been told of a crash. */
  start(): void {
    this.disk = this.#newDisk();
    this.running = this.#boot();
  }

  /** Loses its memory, and nothing else; `restored` is told of each socket's new connection. */
  forget(restored: (socket: SimulatedSocket, connection: Connection) => void): void {
    this.time.forget();
    this.running = this.#boot(({ relay, config }) => {
      this.#hibernating?.restore(relay, config, this.time, this.#observer.report, restored);
    });
  }

  #measured(act: () => void): void {
    const { meter } = this.sql;
    const before = meter.real;
    act();
    this.worst = Math.max(this.worst, meter.real - before);
  }

  #boot(restore: (running: Running) => void = () => {}): Running {
    const settings = new RelaySettings({ ...VARIABLES, AUTH_GRACE_MS: String(this.#settings.graceMs) });
    const host = this.#host();
    this.isAwake = false;
    const running = assemble({
      settings,
      sql: this.sql,
      crypto: CRYPTO,
      host,
      age: () => ({}),
      maxFrameLength: () => 1 << 20,
    });
    running.chores.onDue = (seconds) => {
      this.#dueSeconds = Math.min(this.#dueSeconds, seconds);
    };
    restore(running);
    running.start();
    this.#dueSeconds = running.chores.nextDue();
    return running;
  }

  #host(): Host {
    const machine = this;
    return {
      clock: this.time,
      survival: {
        keep: (connection) => machine.#hibernating?.survival.keep(connection),
        opened: (subscription) => machine.#hibernating?.survival.opened(subscription),
        closed: (subscription) => machine.#hibernating?.survival.closed(subscription),
      },
      report: this.#observer.report,
      randomHex: (bytes) =>
        Array.from({ length: bytes }, () => machine.random.int(0, 255).toString(16).padStart(2, "0")).join(""),
      wake() {
        machine.isAwake = true;
      },
      get isSyncing() {
        return machine.#settings.tellsOfSyncs && machine.disk.isSyncing;
      },
      gatherMs: this.#settings.gatherMs,
    };
  }

  #newHibernating(): Hibernating | undefined {
    return this.hibernates ? new Hibernating(this.sql, this.time, this.#observer.report) : undefined;
  }

  #newDisk(): Disk<Archive> {
    return new Disk<Archive>({
      sql: this.sql,
      time: this.time,
      random: this.random,
      known: () => this.#observer.known(),
      leave: (outgoing, durable) => this.#observer.left(outgoing, durable),
      synced: () => {
        this.isAwake = true;
      },
    });
  }
}
