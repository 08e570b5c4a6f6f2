import { type Attachment, parseAttachment } from "../../../src/hosts/cloudflare/attachment.ts";
import { Hibernation, type Rows } from "../../../src/hosts/cloudflare/hibernation.ts";
import { parseFilter } from "../../../src/protocol/filter.ts";
import { type Config, filterOptions } from "../../../src/relay/config/config.ts";
import { Connection } from "../../../src/relay/connection.ts";
import type { Clock, Logger } from "../../../src/relay/ports.ts";
import type { Relay } from "../../../src/relay/relay.ts";
import type { SimulatedSocket } from "./simulated-socket.ts";
import type { SimulatedSql } from "./simulated-sql.ts";

/** What outlives the memory of a hibernating host: the attachments of its sockets, and rows, on a disk that may fail. */
export class Hibernating {
  readonly #sql: SimulatedSql;
  readonly #attachments = new Map<SimulatedSocket, string>();
  readonly #rows = new Map<string, string>();
  survival: Hibernation;

  constructor(sql: SimulatedSql, clock: Clock, report: Logger) {
    this.#sql = sql;
    this.survival = this.#hibernation(clock, report);
  }

  /** Whether an attachment only names a subscription: its filters are in memory, and a timer keeps them there. */
  get isHolding(): boolean {
    const isNamedAlone = ([socket, text]: [SimulatedSocket, string]) =>
      !socket.isEnded && parseAttachment(JSON.parse(text))?.unwritten.some(([, source]) => source === null);
    return [...this.#attachments].some(isNamedAlone);
  }

  /** Memory is lost. `restored` is told of each socket's new connection. */
  restore(
    relay: Relay,
    config: Config,
    clock: Clock,
    report: Logger,
    restored: (socket: SimulatedSocket, connection: Connection) => void,
  ): void {
    this.survival = this.#hibernation(clock, report);
    for (const [socket, text] of [...this.#attachments]) {
      if (socket.isEnded) continue;
      const attachment = parseAttachment(JSON.parse(text));
      if (attachment === undefined) throw new Error(`an attachment cannot be read: ${text}`);
      const connection = new Connection(socket, attachment.identity, config.privateKinds, undefined);
      restored(socket, connection);
      relay.restore(connection);
      const put = (id: string, source: unknown, isWritten: boolean): void => {
        const filters = (source as unknown[]).map((value) => parseFilter(value, filterOptions(config)));
        const parsed = filters.flatMap((filter) => (filter.ok ? [filter.value] : []));
        if (parsed.length < filters.length) throw new Error(`subscription ${id} is kept in a form that is refused`);
        this.survival.restored(relay.subscriptions.restore(connection, id, parsed), isWritten);
      };
      const prefix = `sub:${connection.id}:`;
      for (const [key, source] of [...this.#rows]) {
        if (key.startsWith(prefix)) put(key.slice(prefix.length), JSON.parse(source), true);
      }
      for (const [id, source] of attachment.unwritten) {
        if (source !== null) put(id, source, false);
        else if (!connection.subscriptions.has(id)) throw new Error(`subscription ${id} is lost`);
      }
    }
  }

  #hibernation(clock: Clock, report: Logger): Hibernation {
    const attach = ({ socket }: Connection, attachment: Attachment) => {
      this.#sql.touch();
      this.#attachments.set(socket as SimulatedSocket, JSON.stringify(attachment));
    };
    const isServed = ({ isClosed, isGone }: Connection) => !isClosed && !isGone;
    return new Hibernation(this.#storage(), clock, { isServed, attach }, this.#sql.meter, report);
  }

  #storage(): Rows {
    const rows = this.#rows;
    const sql = this.#sql;
    const kv = {
      put: (key: string, value: unknown) => void rows.set(key, JSON.stringify(value)),
      delete: (key: string) => rows.delete(key),
    };
    const transactionSync = <T>(body: () => T): T => {
      sql.touch();
      return body();
    };
    return { kv, transactionSync } as unknown as Rows;
  }
}
