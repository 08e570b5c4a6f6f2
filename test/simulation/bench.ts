import { assemble, type Running } from "../../src/hosts/assemble.ts";
import type { Event } from "../../src/protocol/event.ts";
import { Settings } from "../../src/relay/config/settings.ts";
import type { Connection } from "../../src/relay/connection.ts";
import { MORTAL } from "../../src/relay/ports.ts";
import { EventStore } from "../../src/store/event-store.ts";
import { type Frame, RELAY_URL } from "../support/client.ts";
import { putAll } from "../support/events.ts";
import { admin, type Key } from "../support/keys.ts";
import { CRYPTO, signFast } from "./machine/crypto.ts";
import { SimulatedSocket } from "./machine/simulated-socket.ts";
import { SimulatedSql } from "./machine/simulated-sql.ts";
import { SimulatedTime } from "./machine/simulated-time.ts";

/** Unix time at which every bench starts, in seconds. */
export const START = 1_800_000_000;

export interface BenchOptions {
  /** Events that were stored before. */
  stock?: readonly Event[];
  /** How much more work everything seems to be: a long answer needs few events then. */
  scale?: number;
  canPause?: boolean;
}

/** A relay whose time, turns and disk are in the hands of a test. Nothing happens unless it is told to. */
export class Bench {
  readonly time = new SimulatedTime(START);
  readonly sql: SimulatedSql;
  /** What was logged. */
  readonly reports: string[] = [];
  running: Running;
  readonly #variables: Record<string, string>;
  readonly #canPause: boolean;
  #serial = 0;
  #dueSeconds = Number.POSITIVE_INFINITY;

  constructor(variables: Record<string, string> = {}, { stock = [], scale = 1, canPause = false }: BenchOptions = {}) {
    this.#variables = { RELAY_URL, ADMIN_PUBKEYS: admin.pubkey, ...variables };
    this.#canPause = canPause;
    this.sql = SimulatedSql.fresh(scale);
    putAll(new EventStore(this.sql), stock);
    this.running = this.#boot();
  }

  /** The host starts again with what is stored; nobody is connected. */
  restart(): void {
    this.time.forget();
    this.running = this.#boot();
  }

  connect(): Peer {
    return new Peer(this, this.#canPause);
  }

  login(by: Key): Peer {
    const peer = this.connect();
    peer.ask(peer.authOf(by));
    return peer;
  }

  /** Runs until nothing is left to do that needs no time. */
  run(): void {
    while (this.running.relay.run());
  }

  /** Time goes on, and what is due is done. */
  pass(ms: number): void {
    for (const until = this.time.steady + ms; ; ) {
      const task = this.time.next(until);
      task?.();
      this.run();
      if (this.time.nowSeconds() >= this.#dueSeconds) {
        const { chores } = this.running;
        for (let left = 20; left > 0 && chores.run(); left--);
        this.#dueSeconds = chores.nextDue();
      }
      if (task === undefined) return;
    }
  }

  /** Calls a method of NIP-86 as an admin; throws what it throws. */
  call(name: string, ...params: unknown[]): unknown {
    const { relay, management } = this.running;
    relay.commitAll();
    const result = management.call(admin.pubkey, name, params);
    if (!result.ok) throw new Error(result.reason);
    return result.value;
  }

  /** Statements fail that the pattern finds while `body` runs. */
  whileBroken<T>(pattern: RegExp, body: () => T): T {
    this.sql.broken = pattern;
    try {
      return body();
    } finally {
      this.sql.broken = undefined;
    }
  }

  /** A signed event unlike every other. */
  event(by: Key, template: Partial<Event> = {}): Event {
    const content = `${++this.#serial}`;
    return signFast(by, { kind: 1, created_at: this.time.nowSeconds(), tags: [], content, ...template });
  }

  #boot(): Running {
    const running = assemble({
      settings: new Settings(this.#variables),
      sql: this.sql,
      crypto: CRYPTO,
      host: {
        clock: this.time,
        survival: MORTAL,
        report: (message) => void this.reports.push(message),
        randomHex: (bytes) => (++this.#serial).toString(16).padStart(2 * bytes, "0"),
        wake() {},
        isSyncing: false,
        gatherMs: 0,
      },
      age: () => ({}),
      maxFrameLength: () => 1 << 20,
    });
    running.chores.onDue = (seconds) => {
      this.#dueSeconds = Math.min(this.#dueSeconds, seconds);
    };
    running.start();
    return running;
  }
}

/** One client. What it says waits until the relay is run. */
export class Peer {
  readonly connection: Connection;
  readonly socket: SimulatedSocket;
  closed: { code: number; reason: string } | undefined;
  readonly #bench: Bench;
  #sent: Frame[] = [];

  constructor(bench: Bench, canPause: boolean) {
    this.#bench = bench;
    const line = {
      sent: (_: unknown, text: string) => void this.#sent.push(JSON.parse(text) as Frame),
      closed: (_: unknown, code: number, reason: string) => {
        this.closed = { code, reason };
      },
    };
    this.socket = new SimulatedSocket(line, canPause);
    this.connection = bench.running.relay.open(this.socket, undefined);
    bench.running.opened(this.connection);
    this.#sent = [];
  }

  authOf(by: Key): Frame {
    const tags = [
      ["relay", RELAY_URL],
      ["challenge", this.connection.challenge],
    ];
    return ["AUTH", this.#bench.event(by, { kind: 22242, tags })];
  }

  say(...messages: readonly (readonly unknown[])[]): void {
    for (const message of messages) this.#bench.running.relay.receive(this.connection, JSON.stringify(message));
  }

  /** What it has been sent since it was last asked. */
  take(): Frame[] {
    return this.#sent.splice(0);
  }

  /** Says something, lets the relay run, and takes what comes. */
  ask(...messages: readonly (readonly unknown[])[]): Frame[] {
    this.say(...messages);
    this.#bench.run();
    return this.take();
  }

  /** The stored events of a REQ, which must be answered. */
  query(...filters: unknown[]): Event[] {
    this.take();
    const frames = this.ask(["REQ", "query", ...filters]);
    this.ask(["CLOSE", "query"]);
    if (frames.at(-1)?.[0] !== "EOSE") throw new Error(JSON.stringify(frames));
    return frames.slice(0, -1).map(([, , event]) => event as Event);
  }
}

/** The verbs of frames, and what follows the id of those that say yes or no. */
export function brief(frames: readonly Frame[]): unknown[] {
  return frames.map(([verb, id, what, text]) => {
    if (verb === "EVENT") return [verb, id, (what as Event).id];
    return verb === "OK"
      ? [verb, id, what, prefixOf(text)]
      : [verb, id, ...(what === undefined ? [] : [prefixOf(what)])];
  });
}

function prefixOf(value: unknown): unknown {
  return typeof value === "string" ? value.split(":")[0] : value;
}
