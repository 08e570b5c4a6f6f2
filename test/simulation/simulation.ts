import type { Frame } from "../support/client.ts";
import { Signer } from "../support/model/drafts.ts";
import type { Message, State } from "../support/model/steps.ts";
import type { Action, Settings } from "./actions.ts";
import { frameOf } from "./frames.ts";
import { Fairness } from "./judge/fairness.ts";
import { ledgerFault } from "./judge/ledger.ts";
import { Party } from "./judge/party.ts";
import { Referee } from "./judge/referee.ts";
import { watch } from "./judge/watch.ts";
import { signFast } from "./machine/crypto.ts";
import { Machine } from "./machine/machine.ts";
import { SimulatedSocket } from "./machine/simulated-socket.ts";

/** Looks until everything has come to rest, and milliseconds between them. */
const LOOKS = 500;
const LOOK_MS = 25;

/** How often everything comes to rest until the ledger of jobs is looked at. */
const LEDGER_EACH = 8;

/** One relay on a simulated host, its clients, and who judges it. Nothing here takes real time or depends on it. */
export class Simulation {
  readonly referee: Referee;
  readonly signer: Signer;
  readonly #settings: Settings;
  readonly #machine: Machine;
  readonly #fairness = new Fairness();
  readonly #clients = new Map<number, Party>();
  /** Statements that had failed before this action. */
  #thrown = 0;
  /** Some connection has read too slowly. */
  #hasOverflowed = false;
  /** How often everything has come to rest. */
  #settled = 0;
  /** The latest that the clock has shown, in seconds: jobs that have left the ledger by then do not come back. */
  #latest = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.signer = new Signer(signFast);
    const referee = new Referee((event) => this.signer.isGenuine(event));
    this.referee = referee;
    this.#machine = new Machine(settings, {
      known: () => referee.oracle.archive.clone(),
      left: ({ socket, frame }, durable) => {
        if (!socket.isEnded) referee.left(frame, durable);
      },
      report: (message, details, level = "error") => {
        if (level !== "error" || referee.hasFailed()) return;
        referee.accuse(`${message}, although nothing has failed: ${JSON.stringify(details)}`);
      },
    });
    const machine = this.#machine;
    referee.isOver = () => machine.sql.isCrashed;
    referee.hasFailed = () => machine.sql.thrown > this.#thrown;
    referee.commits = () => machine.sql.commits;
    referee.graceMs = settings.graceMs;
    referee.nowMs = () => machine.time.nowMs();
    referee.steadyMs = () => machine.time.steady;
    referee.stepped = (party, step) => this.#step(party, step);
    referee.oracle.mayMishear = () => this.#hasOverflowed;
    referee.oracle.isDeaf = (key, id) => {
      return this.#clients.get(key)?.socket.isOverflowing === true && !referee.matcher.isAnswering(key, id);
    };
    watch(referee);
  }

  /** The most that one run, timer or step of a chore has taken, in units. */
  get worst(): number {
    return this.#machine.worst;
  }

  get state(): State {
    return { oracle: this.referee.oracle, signer: this.signer };
  }

  close(): void {
    watch(undefined);
    this.#machine.sql.close();
  }

  /** Lets it happen. Throws if the relay has done anything else than it must. */
  perform(action: Action): void {
    this.#thrown = this.#machine.sql.thrown;
    this.#act(action);
    this.#endTurn();
    if (this.referee.wrong !== undefined) throw new Error(this.referee.wrong);
    if (!this.#machine.sql.isCrashed) return;
    this.referee.oracle.outcomes.push("crash in a commit");
    this.#crash();
  }

  #act(action: Action): void {
    switch (action.do) {
      case "send":
        return this.#send(action.message);
      case "run":
        for (let left = action.times; left > 0 && this.#machine.isAwake; left--) this.#run();
        return;
      case "tick":
        return this.#tick(action.ms);
      case "clock":
        this.#noteTime();
        this.#machine.time.offset += action.seconds * 1000;
        return this.#tick(0);
      case "crowd":
        return this.#with(action.on, ({ socket }) => {
          socket.isCrowded = action.is;
        });
      case "overflow":
        this.#hasOverflowed = true;
        return this.#with(action.on, (party) => party.overflow());
      case "leave":
        return this.#with(action.on, (party) => this.#leave(action.on, party));
      case "connect":
        if (!this.#clients.has(action.on)) this.#connect(action.on);
        return;
      case "fail":
        this.#machine.sql.failsIn = action.after;
        this.#machine.sql.failures = action.times;
        this.#machine.sql.failureIsCrash = action.isCrash;
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
    const { relay } = this.#machine.running;
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
    this.#machine.run();
    this.#endTurn();
  }

  /** What the host does between turns. */
  #endTurn(): void {
    this.referee.flush();
    if (this.#machine.sql.isCrashed) return;
    for (const [on, party] of this.#clients) if (party.isEnded) this.#clients.delete(on);
    for (const party of this.#clients.values()) this.#read(party);
    this.#machine.disk.endTurn();
  }

  #tick(ms: number): void {
    for (const until = this.#machine.time.steady + ms; ; ) {
      const task = this.#machine.time.next(until);
      this.referee.setTime(this.#machine.time.nowSeconds());
      if (task !== undefined) {
        this.#machine.ring(task);
        this.referee.timerRan();
      }
      this.#work();
      this.#endTurn();
      if (task === undefined || this.#machine.sql.isCrashed) return;
    }
  }

  /** Periodic work, if it is due. */
  #work(): void {
    if (!this.#machine.isWorkDue) return;
    const now = this.#machine.time.nowSeconds();
    const { connections } = this.referee.oracle;
    for (const party of this.#clients.values()) party.noteTime(connections.get(party.key), now);
    this.#machine.work(() => this.referee.flush());
    if (!this.#machine.sql.isCrashed) this.referee.oracle.reconcile((id) => this.#machine.sql.hasEvent(id));
  }

  /** Everybody reads, the disk works, and time goes on until nothing is left to do. */
  #settle(): void {
    this.#machine.sql.failsIn = undefined;
    for (const { socket } of this.#clients.values()) socket.isCrowded = false;
    for (let left = LOOKS; left > 0; left--) {
      for (let runs = LOOKS; this.#machine.isAwake && runs > 0; runs--) this.#run();
      if (this.#isAtRest) break;
      this.#tick(LOOK_MS);
    }
    this.referee.checkComplete();
    if (this.referee.isOver() || this.#settled++ % LEDGER_EACH > 0) return;
    this.#noteTime();
    const fault = ledgerFault(this.#machine.sql, this.#latest);
    if (fault !== undefined) this.referee.accuse(fault);
  }

  #noteTime(): void {
    this.#latest = Math.max(this.#latest, this.#machine.time.nowSeconds());
  }

  get #isAtRest(): boolean {
    if (this.#machine.isAwake || this.#machine.disk.isBehind || this.referee.isWaiting) return false;
    return [...this.referee.parties.values()].every((party) => party.isIdle);
  }

  #connect(on: number): void {
    const { relay } = this.#machine.running;
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
    this.#machine.running.opened(connection);
    if (!this.#machine.keep(connection)) {
      // A client whose connection cannot be kept is turned away.
      relay.leave(connection);
      return;
    }
    const party = new Party(on, connection, socket);
    party.graceUntilMs = this.#machine.time.nowMs() + this.#settings.graceMs;
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
    if (this.#machine.sql.isCrashed) return;
    const frame = JSON.parse(text) as Frame;
    const party = this.#partyOf(socket);
    if (party === undefined) {
      // R-01-02: the challenge comes first, and unasked.
      if (frame[0] !== "AUTH") this.referee.accuse(`connection ${on} is sent ${text} before its challenge`);
      return;
    }
    this.referee.sent(party, frame);
    this.#machine.disk.send({ socket, frame });
  }

  #leave(on: number, party: Party): void {
    this.referee.flush();
    party.wire.length = 0;
    party.socket.isEnded = true;
    this.#machine.running.relay.leave(party.connection);
    this.referee.flush();
    this.referee.end(party, true);
    this.#clients.delete(on);
  }

  #step(party: Party, step: () => void): void {
    const reason = this.#fairness.around(party, this.referee.parties.values(), this.#machine.sql.meter, step);
    if (reason !== undefined) this.referee.accuse(reason);
  }

  /** The machine stops. It starts with what was on its disk. */
  #crash(): void {
    const known = this.#machine.crash();
    for (const [key, party] of this.#clients) {
      party.socket.isEnded = true;
      this.referee.oracle.connections.delete(key);
      this.referee.matcher.drop(key);
      this.referee.syncs.drop(key);
    }
    this.#clients.clear();
    this.referee.restart(known);
    this.#thrown = 0;
    this.#machine.start();
  }

  /** The host loses its memory while nothing is to be done (R-06-12). */
  #evict(): void {
    const { oracle, parties } = this.referee;
    if (!this.#machine.hibernates) return;
    // Its timers keep it in memory, and what could not be written is tried again; so do open syncs.
    const { sql, random } = this.#machine;
    this.#tick(random.pick([0, 2000]));
    this.#settle();
    if (sql.thrown > 0) this.#tick(40_000);
    this.#settle();
    if (this.#machine.isHolding) this.#tick(2000);
    if (sql.isCrashed || this.#machine.isHolding) return;
    if ([...oracle.connections.values()].some(({ syncs }) => syncs.size > 0)) return;
    parties.clear();
    this.#machine.forget((socket, connection) => {
      for (const party of this.#clients.values()) {
        if (party.socket !== socket) continue;
        party.connection = connection;
        party.evicted();
        parties.set(connection.inbox, party);
      }
    });
    for (const [key, { connection }] of this.#clients) {
      if (!parties.has(connection.inbox)) this.referee.accuse(`connection ${key} is not kept`);
    }
    oracle.evict();
  }
}
