import { type Filter, parseFilter } from "../../protocol/filter.ts";
import { MAX_SUB_ID } from "../../protocol/message.ts";
import { messageFromHex } from "../../protocol/negentropy/negentropy.ts";
import { accept, INTERNAL_ERROR, type Reason, type Result, refuse } from "../../protocol/reason.ts";
import { exceedsCharacters, nestsTooDeep } from "../../protocol/text.ts";
import type { Reader } from "../../protocol/visibility.ts";
import { type Config, filterOptions } from "../config/config.ts";
import type { Connection } from "../connection.ts";
import type { Clock, EventLog, Log } from "../ports.ts";
import { Slots } from "../slots.ts";
import { SyncSession } from "./sync-session.ts";

/** Syncs that one connection may have open (R-05-44). */
const MAX_SESSIONS = 4;

/** Records of all syncs of the object: 42 MB. */
const MAX_HELD = 1_000_000;

/** Sets that are collected at a time; further NEG-OPENs wait. */
const MAX_COLLECTING = 4;

/** Idle syncs are looked for once in so many seconds while there are any: so long the object stays awake after the last. */
const SWEEP_SECONDS = 5;

const UNAVAILABLE: Reason = "error: sync is not available on this relay";
const UNKNOWN: Reason = "closed: no such sync, open it again";
const TOO_BIG: Reason = "blocked: this query is too big";
const NOT_HEX: Reason = "invalid: the message is not an even number of hex digits";

export interface SyncDeps {
  config: Config;
  log: EventLog;
  clock: Clock;
  report: Log;
}

/** NEG-OPEN, NEG-MSG and NEG-CLOSE (NIP-77): all open syncs. They live in memory only (R-05-44). */
export class Syncs {
  readonly #deps: SyncDeps;
  readonly #sessions = new Map<Connection, Map<string, SyncSession>>();
  readonly #slots = new Slots(MAX_COLLECTING);
  #isArmed = false;

  constructor(deps: SyncDeps) {
    this.#deps = deps;
  }

  /** NEG-OPEN: collects the set and answers the first message. The connection may close the sync meanwhile. */
  async open(connection: Connection, id: string, parts: unknown[]): Promise<void> {
    const { config, clock } = this.#deps;
    this.close(connection, id);
    const opening = parseOpen(id, parts, config);
    if (!opening.ok) return connection.send(["NEG-ERR", id, opening.reason]);
    const own = this.#sessions.get(connection) ?? new Map<string, SyncSession>();
    if (own.size >= MAX_SESSIONS) {
      return connection.send(["NEG-ERR", id, `rate-limited: more than ${MAX_SESSIONS} open syncs, close one first`]);
    }
    const { filter, message } = opening.value;
    const session = new SyncSession(connection, id, clock);
    this.#sessions.set(connection, own.set(id, session));
    this.#arm();
    // A key that is added meanwhile does not change what was opened (R-05-42).
    const reader = { authed: new Set(connection.authed), privateKinds: connection.privateKinds };
    await this.#serve(session, async () => {
      await this.#slots.run(() => this.#collect(session, filter, reader));
      await this.#answer(session, message);
    });
  }

  /** NEG-MSG: answers after what came before it. */
  async receive(connection: Connection, id: string, [hex, ...surplus]: unknown[]): Promise<void> {
    const refused = (reason: Reason): void => {
      this.close(connection, id);
      connection.send(["NEG-ERR", id, reason]);
    };
    if (!this.#deps.config.negentropyEnabled) return refused(UNAVAILABLE);
    const parsed = parseNext(hex, surplus);
    const session = this.#sessions.get(connection)?.get(id);
    if (session === undefined) return refused(parsed.ok ? UNKNOWN : parsed.reason);
    await this.#serve(session, async () => {
      if (!session.isEnded) return parsed.ok ? this.#answer(session, parsed.value) : this.#end(session, parsed.reason);
      // The relay ended it while this message waited; that one is to have an answer too, unless the id is in use again.
      if (!this.#sessions.get(connection)?.has(id)) refused(UNKNOWN);
    });
  }

  /** NEG-CLOSE, or the silent end of a sync of an id that is used again (R-05-41). */
  close(connection: Connection, id: string): void {
    const own = this.#sessions.get(connection);
    own?.get(id)?.close();
    own?.delete(id);
    if (own?.size === 0) this.#sessions.delete(connection);
  }

  /** The connection is gone, and its syncs with it. */
  drop(connection: Connection): void {
    for (const id of [...(this.#sessions.get(connection)?.keys() ?? [])]) this.close(connection, id);
  }

  /** Ends all syncs of a connection, with a reason. */
  end(connection: Connection, reason: Reason): void {
    for (const session of [...(this.#sessions.get(connection)?.values() ?? [])]) this.#end(session, reason);
  }

  async #collect(session: SyncSession, filter: Filter, reader: Reader): Promise<void> {
    if (session.isClosed) return;
    const records = await this.#deps.log.records(filter, reader, (found) => this.#admit(session, found));
    if (typeof records === "string") this.#end(session, records);
    else session.fill(records);
  }

  /** Whether a session may hold so many records. */
  #admit(session: SyncSession, found: number): Reason | undefined {
    if (session.isClosed) return UNKNOWN;
    if (found > this.#deps.config.maxNegRecords) return TOO_BIG;
    session.size = found;
    let held = 0;
    for (const own of this.#sessions.values()) for (const { size } of own.values()) held += size;
    return held > MAX_HELD ? "rate-limited: too many syncs are open on this relay, try again later" : undefined;
  }

  async #answer(session: SyncSession, message: Uint8Array): Promise<void> {
    const fault = await session.answer(message, this.#deps.config.negFrameLimit);
    if (fault !== undefined) this.#end(session, fault);
  }

  /** Ends a session on the relay's side (R-05-43). */
  #end(session: SyncSession, reason: Reason): void {
    const { connection, id, isClosed } = session;
    if (isClosed) return;
    session.isEnded = true;
    this.close(connection, id);
    connection.send(
      reason === TOO_BIG ? ["NEG-ERR", id, reason, this.#deps.config.maxNegRecords] : ["NEG-ERR", id, reason],
    );
  }

  async #serve(session: SyncSession, work: () => Promise<void>): Promise<void> {
    try {
      await session.inTurn(work);
    } catch (error) {
      this.#deps.report("sync failed", { connection: session.connection.id, error: String(error) });
      this.#end(session, INTERNAL_ERROR);
      session.connection.send(["NOTICE", "internal error"]);
    }
  }

  /** While there are sessions, one timer is pending. */
  #arm(): void {
    if (this.#isArmed || this.#sessions.size === 0) return;
    const { clock, config } = this.#deps;
    this.#isArmed = true;
    clock.soon(Math.min(SWEEP_SECONDS, config.negTimeout) * 1000, () => {
      this.#isArmed = false;
      for (const own of [...this.#sessions.values()]) {
        for (const session of [...own.values()]) {
          if (session.isIdle(config.negTimeout)) this.#end(session, `closed: idle for ${config.negTimeout} seconds`);
        }
      }
      this.#arm();
    });
  }
}

/** Checks the parts of a NEG-OPEN like those of a REQ (R-05-41, M-13). */
function parseOpen(
  id: string,
  [source, hex, ...surplus]: unknown[],
  config: Config,
): Result<{ filter: Filter; message: Uint8Array }> {
  if (!config.negentropyEnabled) return refuse(UNAVAILABLE);
  if (exceedsCharacters(id, MAX_SUB_ID)) return refuse(`invalid: the id is longer than ${MAX_SUB_ID} characters`);
  const filter = parseFilter(source, filterOptions(config));
  // NEG-ERR has no `unsupported:` (reference 1.4).
  if (!filter.ok) return refuse(filter.reason.replace(/^unsupported:/, "invalid:") as Reason);
  const message = parseNext(hex, surplus);
  return message.ok ? accept({ filter: filter.value, message: message.value }) : message;
}

/** The same of those of a NEG-MSG. */
function parseNext(hex: unknown, surplus: unknown[]): Result<Uint8Array> {
  const message = messageFromHex(hex);
  if (message === undefined) return refuse(NOT_HEX);
  return nestsTooDeep(surplus, 1) ? refuse("invalid: nested too deep") : accept(message);
}
