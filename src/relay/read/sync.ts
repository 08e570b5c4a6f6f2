import { type Filter, parseFilter } from "../../protocol/filter.ts";
import { MAX_SUB_ID } from "../../protocol/message.ts";
import { messageFromHex } from "../../protocol/negentropy/negentropy.ts";
import { accept, type Reason, type Result, refuse } from "../../protocol/reason.ts";
import { exceedsCharacters, nestsTooDeep } from "../../protocol/text.ts";
import type { Meter } from "../../protocol/work.ts";
import type { EventLog } from "../../store/event-log.ts";
import type { Steps } from "../../store/steps.ts";
import { type Config, filterOptions } from "../config/config.ts";
import type { Connection } from "../connection.ts";
import type { Host } from "../ports.ts";
import { areHidden, HIDDEN_FROM_STRANGERS } from "./hidden.ts";
import { SyncSession } from "./sync-session.ts";

/** Syncs that one connection may have open (R-05-44). */
const MAX_SESSIONS = 4;

/** Records of all syncs: 42 MB. */
const MAX_RECORDS = 1_000_000;

/** Idle syncs are looked for once in so many seconds while there are any. */
const SWEEP_SECONDS = 5;

export const UNAVAILABLE: Reason = "error: sync is not available on this relay";
const UNKNOWN: Reason = "closed: no such sync, open it again";
const TOO_BIG: Reason = "blocked: this query is too big";
const NOT_HEX: Reason = "invalid: the message is not an even number of hex digits";

export interface SyncDeps {
  config: Config;
  log: EventLog;
  host: Host;
  meter: Meter;
}

/** NEG-OPEN, NEG-MSG and NEG-CLOSE (NIP-77): all open syncs. They live in memory only (R-05-44). */
export class Syncs {
  readonly #deps: SyncDeps;
  readonly #sessions = new Map<Connection, Map<string, SyncSession>>();
  #isArmed = false;

  constructor(deps: SyncDeps) {
    this.#deps = deps;
  }

  /** NEG-OPEN: what is returned collects the set and answers the first message. Undefined if it is refused. */
  open(connection: Connection, id: string, parts: unknown[]): Steps<void> | undefined {
    const { config, host } = this.#deps;
    this.close(connection, id);
    const refused = (reason: Reason): undefined => void connection.send(["NEG-ERR", id, reason]);
    const opening = parseOpen(id, parts, config);
    if (!opening.ok) return refused(opening.reason);
    if (!connection.isAuthenticated && areHidden([opening.value.filter], connection))
      return refused(HIDDEN_FROM_STRANGERS);
    const own = this.#sessions.get(connection) ?? new Map<string, SyncSession>();
    if (own.size >= MAX_SESSIONS) return refused(`rate-limited: more than ${MAX_SESSIONS} open syncs, close one first`);
    const session = new SyncSession(connection, id, host.clock.nowSeconds());
    session.isBusy = true;
    this.#sessions.set(connection, own.set(id, session));
    this.#arm();
    return this.#serve(session, opening.value.message, opening.value.filter);
  }

  /** NEG-MSG: what is returned answers it. Undefined if it is refused. */
  receive(connection: Connection, id: string, [hex, ...surplus]: unknown[]): Steps<void> | undefined {
    const refused = (reason: Reason): undefined => {
      this.close(connection, id);
      connection.send(["NEG-ERR", id, reason]);
    };
    if (!this.#deps.config.negentropyEnabled) return refused(UNAVAILABLE);
    const parsed = parseNext(hex, surplus);
    if (!parsed.ok) return refused(parsed.reason);
    const session = this.#sessions.get(connection)?.get(id);
    if (session === undefined) return refused(UNKNOWN);
    session.isBusy = true;
    return this.#serve(session, parsed.value);
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

  /** Collects the set first if there is a filter, then answers a message. */
  *#serve(session: SyncSession, message: Uint8Array, filter?: Filter): Steps<void> {
    const { log, host, config, meter } = this.#deps;
    if (session.isClosed) return;
    try {
      if (filter !== undefined) {
        // A key that is added meanwhile does not change what was opened (R-05-42).
        const { authed, privateKinds } = session.connection;
        const reader = { authed: new Set(authed), privateKinds };
        const records = yield* log.records(filter, reader, (found) => this.#refuseRecords(session, found));
        if (typeof records === "string") return this.#end(session, records);
        session.fill(records);
      }
      const fault = yield* session.answer(message, config.negFrameLimit, meter);
      if (fault !== undefined) this.#end(session, fault);
    } finally {
      session.isBusy = false;
      session.idleSince = host.clock.nowSeconds();
    }
  }

  /** Why a session may not keep so many records, or undefined. */
  #refuseRecords(session: SyncSession, found: number): Reason | undefined {
    if (session.isClosed) return UNKNOWN;
    if (found > this.#deps.config.maxNegRecords) return TOO_BIG;
    session.size = found;
    let kept = 0;
    for (const own of this.#sessions.values()) for (const { size } of own.values()) kept += size;
    return kept > MAX_RECORDS ? "rate-limited: too many syncs are open on this relay, try again later" : undefined;
  }

  /** Ends a session on the relay's side (R-05-43). */
  #end(session: SyncSession, reason: Reason): void {
    const { connection, id, isClosed } = session;
    if (isClosed) return;
    this.close(connection, id);
    connection.send(
      reason === TOO_BIG ? ["NEG-ERR", id, reason, this.#deps.config.maxNegRecords] : ["NEG-ERR", id, reason],
    );
  }

  /** While there are sessions, one timer is pending. */
  #arm(): void {
    if (this.#isArmed || this.#sessions.size === 0) return;
    const { host, config } = this.#deps;
    this.#isArmed = true;
    host.clock.soon(Math.min(SWEEP_SECONDS, config.negTimeout) * 1000, () => {
      this.#isArmed = false;
      const now = host.clock.nowSeconds();
      for (const own of [...this.#sessions.values()]) {
        for (const session of [...own.values()]) {
          if (session.isIdle(now, config.negTimeout)) {
            this.#end(session, `closed: idle for ${config.negTimeout} seconds`);
          }
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
  // NDK's sync sends a list of its filters, which mostly has one.
  const only = Array.isArray(source) && source.length === 1 ? source[0] : source;
  const filter = parseFilter(only, filterOptions(config));
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
