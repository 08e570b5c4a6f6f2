import { assemble, type Running } from "../../src/hosts/assemble.ts";
import { type Config, parseConfig } from "../../src/relay/config/config.ts";
import type { Connection } from "../../src/relay/connection.ts";
import type { Host } from "../../src/relay/ports.ts";
import { type Frame, RELAY_URL } from "../support/client.ts";
import type { Archive } from "../support/model/archive.ts";
import { Signer, START_TIME } from "../support/model/drafts.ts";
import type { Message, State } from "../support/model/steps.ts";
import { Random } from "../support/random.ts";
import type { Action, Settings } from "./actions.ts";
import { CRYPTO, signFast } from "./crypto.ts";
import { Disk, type Outgoing } from "./disk.ts";
import { Fairness } from "./fairness.ts";
import { frameOf } from "./frames.ts";
import { Hibernating } from "./hibernating.ts";
import { Party } from "./party.ts";
import { Referee } from "./referee.ts";
import { SimulatedSocket } from "./simulated-socket.ts";
import { SimulatedSql } from "./simulated-sql.ts";
import { SimulatedTime } from "./simulated-time.ts";
import { watch } from "./watch.ts";

/** A connection that has not logged in for so many seconds may be closed (`AUTH_TIMEOUT`). */
const LOGIN_SECONDS = 600;

/** Looks until everything has come to rest, and milliseconds between them. */
const LOOKS = 500;
const LOOK_MS = 25;

const CONFIGS = new Map<number, Config>();

function configOf({ graceMs }: Settings): Config {
  const config = CONFIGS.get(graceMs) ?? parseConfig({ RELAY_URL, AUTH_GRACE_MS: String(graceMs) });
  CONFIGS.set(graceMs, config);
  return config;
}

/** One relay on a simulated host, its clients, and who judges it. Nothing here takes real time or depends on it. */
export class Simulation {
  readonly referee: Referee;
  readonly signer: Signer;
  /** The most that one run has taken, in units, and what ran then. */
  worst = 0;
  readonly #settings: Settings;
  readonly #random: Random;
  readonly #time = new SimulatedTime(START_TIME);
  readonly #fairness = new Fairness();
  readonly #clients = new Map<number, Party>();
  #hibernating: Hibernating | undefined;
  #sql: SimulatedSql;
  #disk: Disk<Archive>;
  #running: Running;
  #isAwake = false;
  #dueSeconds = Number.POSITIVE_INFINITY;
  #thrown = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#random = new Random(settings.seed ^ 0x5eed);
    this.signer = new Signer(signFast);
    this.referee = new Referee((event) => this.signer.isGenuine(event));
    this.referee.isOver = () => this.#sql.isCrashed;
    this.referee.hasFailed = () => this.#sql.thrown > this.#thrown;
    this.referee.commits = () => this.#sql.commits;
    this.referee.graceMs = settings.graceMs;
    this.referee.nowMs = () => this.#time.nowMs();
    this.referee.stepped = (party, step) => this.#step(party, step);
    this.referee.oracle.isDeaf = (key, id) => {
      return this.#clients.get(key)?.socket.isOverflowing === true && !this.referee.matcher.isAnswering(key, id);
    };
    this.#sql = SimulatedSql.fresh(settings.scale);
    this.#hibernating = this.#newHibernating();
    this.#disk = this.#newDisk();
    watch(this.referee);
    this.#running = this.#boot();
  }

  get state(): State {
    return { oracle: this.referee.oracle, signer: this.signer };
  }

  /** Frees what is outside of the heap. */
  close(): void {
    watch(undefined);
    this.#sql.close();
  }

  /** Lets it happen. Throws if the relay has done anything else than it must. */
  perform(action: Action): void {
    this.#thrown = this.#sql.thrown;
    this.#act(action);
    this.#endTurn();
    if (this.referee.wrong !== undefined) throw new Error(this.referee.wrong);
    if (!this.#sql.isCrashed) return;
    this.referee.oracle.outcomes.push("crash in a commit");
    this.#crash();
  }

  #act(action: Action): void {
    switch (action.do) {
      case "send":
        return this.#send(action.message);
      case "run":
        for (let left = action.times; left > 0 && this.#isAwake; left--) this.#run();
        return;
      case "tick":
        return this.#tick(action.ms);
      case "clock":
        this.#time.offset += action.seconds * 1000;
        return this.#tick(0);
      case "crowd":
        return this.#with(action.on, ({ socket }) => {
          socket.isCrowded = action.is;
        });
      case "overflow":
        return this.#with(action.on, (party) => {
          party.socket.isOverflowing = true;
          party.mayBeClosed = "overflow";
        });
      case "leave":
        return this.#with(action.on, (party) => this.#leave(action.on, party));
      case "connect":
        if (!this.#clients.has(action.on)) this.#connect(action.on);
        return;
      case "fail":
        this.#sql.failsIn = action.after;
        this.#sql.failures = action.times;
        this.#sql.failureIsCrash = action.isCrash;
        return;
      case "crash":
        return this.#crash();
      case "evict":
        return this.#evict();
      case "settle":
        return this.#settle();
    }
  }

  #with(on: number, act: (party: Party) => void): void {
    const party = this.#clients.get(on);
    if (party !== undefined) act(party);
  }

  #send(message: Message): void {
    this.#with(message.on, (party) => {
      const frame = frameOf(message, party, this.referee, this.signer);
      party.wire.push({ frame, text: JSON.stringify(frame), isCancelled: false });
      this.#read(party);
    });
  }

  /** Hands the relay what has come over the wire, unless it has stopped reading. */
  #read(party: Party): void {
    const { relay } = this.#running;
    while (!party.socket.isPaused && !party.socket.isEnded && party.wire.length > 0) {
      const arrived = party.wire.shift();
      if (arrived === undefined) return;
      this.referee.flush();
      const { inbox } = party.connection;
      const before = inbox.count;
      relay.receive(party.connection, arrived.text);
      this.referee.flush();
      this.referee.received(party, arrived, inbox.count > before);
    }
  }

  #run(): void {
    const { real } = this.#sql.meter;
    this.#isAwake = false;
    if (this.#running.relay.run()) this.#isAwake = true;
    this.worst = Math.max(this.worst, this.#sql.meter.real - real);
    this.#endTurn();
  }

  /** What the host does between turns. */
  #endTurn(): void {
    this.referee.flush();
    if (this.#sql.isCrashed) return;
    for (const [on, party] of this.#clients) if (party.isEnded) this.#clients.delete(on);
    for (const party of this.#clients.values()) this.#read(party);
    this.#disk.endTurn();
  }

  #tick(ms: number): void {
    for (const until = this.#time.steady + ms; ; ) {
      const task = this.#time.next(until);
      this.referee.setTime(this.#time.nowSeconds());
      if (task !== undefined) {
        try {
          task();
        } catch (error) {
          if (!this.referee.hasFailed()) this.referee.accuse(`a timer throws ${error}, although nothing has failed`);
        }
        this.referee.timerRan();
      }
      this.#work();
      this.#endTurn();
      if (task === undefined || this.#sql.isCrashed) return;
    }
  }

  /** Periodic work, if it is due. */
  #work(): void {
    const { jobs } = this.#running;
    const now = this.#time.nowSeconds();
    if (now < this.#dueSeconds) return;
    for (const [key, { openedAt, authed }] of this.referee.oracle.connections) {
      const party = this.#clients.get(key);
      if (party !== undefined && authed.size === 0 && openedAt + LOGIN_SECONDS <= now) party.mayBeClosed ??= "login";
    }
    for (let left = 5; left > 0 && jobs.run(); left--) this.referee.flush();
    this.#dueSeconds = jobs.nextDue();
    if (!this.#sql.isCrashed) this.referee.reconcile((id) => this.#sql.hasEvent(id));
  }

  /** Everybody reads, the disk works, and time goes on until nothing is left to do. */
  #settle(): void {
    this.#sql.failsIn = undefined;
    for (const { socket } of this.#clients.values()) socket.isCrowded = false;
    for (let left = LOOKS; left > 0; left--) {
      for (let runs = LOOKS; this.#isAwake && runs > 0; runs--) this.#run();
      if (this.#isAtRest) break;
      this.#tick(LOOK_MS);
    }
    this.referee.checkComplete();
  }

  get #isAtRest(): boolean {
    if (this.#isAwake || this.#disk.isBehind || this.referee.isWaiting) return false;
    return [...this.referee.parties.values()].every(
      (party) => party.arrived.length + party.held.length === 0 && party.connection.task === undefined,
    );
  }

  #connect(on: number): void {
    const { relay } = this.#running;
    const socket: SimulatedSocket = new SimulatedSocket(
      {
        sent: (_, text) => this.#sent(on, socket, text),
        closed: () => {
          const party = this.#partyOf(socket);
          if (party !== undefined) this.referee.sent(party, undefined);
        },
      },
      this.#settings.canPause,
    );
    this.referee.flush();
    const connection = relay.open(socket, undefined);
    this.#running.opened(connection);
    try {
      this.#hibernating?.survival.keep(connection);
    } catch {
      // A client whose connection cannot be kept is turned away.
      this.#running.relay.leave(connection);
      return;
    }
    const party = new Party(on, connection, socket);
    party.graceUntilMs = this.#time.nowMs() + this.#settings.graceMs;
    this.#clients.set(on, party);
    this.referee.parties.set(connection.inbox, party);
    this.referee.oracle.connect(on, connection.challenge);
  }

  #partyOf(socket: SimulatedSocket): Party | undefined {
    for (const party of this.referee.parties.values()) if (party.socket === socket) return party;
    return undefined;
  }

  /** The relay sends a frame. */
  #sent(on: number, socket: SimulatedSocket, text: string): void {
    if (this.#sql.isCrashed) return;
    const frame = JSON.parse(text) as Frame;
    const party = this.#partyOf(socket);
    if (party === undefined) {
      // R-01-02: the challenge comes first, and unasked.
      if (frame[0] !== "AUTH") this.referee.accuse(`connection ${on} is sent ${text} before its challenge`);
      return;
    }
    this.referee.sent(party, frame);
    this.#disk.send({ socket, frame });
  }

  /** A frame reaches its client: what it says must not be lost any more. */
  #left({ socket, frame }: Outgoing, durable: number): void {
    if (socket.isEnded) return;
    const id = frame[0] === "EVENT" ? (frame[2] as { id: string }).id : frame[1];
    const isStored = frame[0] === "EVENT" || (frame[0] === "OK" && frame[2] === true);
    const at = isStored ? this.referee.storedAt.get(id as string) : undefined;
    if (at !== undefined && at > durable) this.referee.accuse(`${frame[0]} ${id} is shown before it is durable`);
  }

  #leave(on: number, party: Party): void {
    this.referee.flush();
    party.wire.length = 0;
    party.socket.isEnded = true;
    this.#running.relay.leave(party.connection);
    this.referee.flush();
    this.referee.end(party, true);
    this.#clients.delete(on);
  }

  #step(party: Party, step: () => void): void {
    const reason = this.#fairness.around(party, this.referee.parties.values(), this.#sql.meter, step);
    if (reason !== undefined) this.referee.accuse(reason);
  }

  /** The machine stops. It starts with what was on its disk. */
  #crash(): void {
    const { content, known } = this.#disk.afterCrash();
    this.#sql.close();
    this.#sql = new SimulatedSql(this.#settings.scale, content);
    this.#hibernating = this.#newHibernating();
    for (const [key, party] of this.#clients) {
      party.socket.isEnded = true;
      this.referee.oracle.connections.delete(key);
      this.referee.matcher.drop(key);
      this.referee.syncs.drop(key);
    }
    this.#clients.clear();
    this.referee.restart(known.clone());
    this.#time.forget();
    this.#disk = this.#newDisk();
    this.#thrown = 0;
    this.#running = this.#boot();
  }

  /** The object goes while nothing is to be done, and comes back (R-06-12). */
  #evict(): void {
    const { oracle, parties } = this.referee;
    if (this.#hibernating === undefined) return;
    this.#settle();
    // Its timers keep it in memory, and what could not be written is tried again; so do open syncs.
    this.#tick(this.#sql.thrown > 0 ? 40_000 : this.#random.pick([0, 2000]));
    if ([...oracle.connections.values()].some(({ syncs }) => syncs.size > 0)) return;
    this.#time.forget();
    parties.clear();
    this.#running = this.#boot((running) => {
      const restored = (socket: SimulatedSocket, connection: Connection) => {
        for (const party of this.#clients.values()) {
          if (party.socket !== socket) continue;
          party.connection = connection;
          party.graceUntilMs = 0;
          parties.set(connection.inbox, party);
        }
      };
      this.#hibernating?.restore(running.relay, running.config, this.#time, this.#report, restored);
    });
    for (const [key, { connection }] of this.#clients) {
      if (!parties.has(connection.inbox)) this.referee.accuse(`connection ${key} is not kept`);
    }
    oracle.evict();
  }

  #boot(restore: (running: Running) => void = () => {}): Running {
    const config = configOf(this.#settings);
    const startedAtMs = this.#time.nowMs();
    this.referee.storedAt.clear();
    this.#isAwake = false;
    const running = assemble({ config, sql: this.#sql, crypto: CRYPTO, host: this.#host(), startedAtMs });
    running.jobs.onDue = (seconds) => {
      this.#dueSeconds = Math.min(this.#dueSeconds, seconds);
    };
    restore(running);
    running.start();
    this.#dueSeconds = running.jobs.nextDue();
    return running;
  }

  #host(): Host {
    const simulation = this;
    return {
      clock: this.#time,
      survival: {
        keep: (connection) => simulation.#hibernating?.survival.keep(connection),
        opened: (subscription) => simulation.#hibernating?.survival.opened(subscription),
        closed: (subscription) => simulation.#hibernating?.survival.closed(subscription),
      },
      report: this.#report,
      randomHex: (bytes) =>
        Array.from({ length: bytes }, () => simulation.#random.int(0, 255).toString(16).padStart(2, "0")).join(""),
      wake() {
        simulation.#isAwake = true;
      },
      get isSyncing() {
        return simulation.#settings.tellsOfSyncs && simulation.#disk.isSyncing;
      },
      gatherMs: this.#settings.gatherMs,
    };
  }

  readonly #report = (message: string, details: Record<string, unknown>): void => {
    if (this.referee.hasFailed()) return;
    this.referee.accuse(`${message}, although nothing has failed: ${JSON.stringify(details)}`);
  };

  #newHibernating(): Hibernating | undefined {
    return this.#settings.hibernates ? new Hibernating(this.#sql, this.#time, this.#report) : undefined;
  }

  #newDisk(): Disk<Archive> {
    return new Disk<Archive>({
      sql: this.#sql,
      time: this.#time,
      random: this.#random,
      known: () => this.referee.oracle.archive.clone(),
      leave: (outgoing, durable) => this.#left(outgoing, durable),
      synced: () => {
        this.#isAwake = true;
      },
    });
  }
}
