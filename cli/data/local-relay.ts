import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { assemble, type Running } from "../../src/hosts/assemble.ts";
import { DATABASE } from "../../src/hosts/node/main.ts";
import { type NodeSql, openSql } from "../../src/hosts/node/sql.ts";
import { Settings } from "../../src/relay/config/settings.ts";
import { type Host, MORTAL } from "../../src/relay/ports.ts";
import { crypto } from "../client/crypto.ts";
import { lockDataDirectory } from "../data-lock.mjs";
import { Failure, messageOf } from "../failure.ts";
import { readEnvFile, readSettings } from "../settings.mjs";

/** Rows that may wait in the log of the database before they are brought into its file. */
const MAX_WAITING = 100_000;

/** Who acts where the settings name no operator: nobody has this key. */
const NOBODY = "0".repeat(64);

/** The relay of a data directory that no process serves: its management, called as its first operator. */
export class LocalRelay {
  readonly name: string;
  readonly #sql: NodeSql;
  readonly #running: Running;
  readonly #caller: string;
  #emptied = 0;

  private constructor(directory: string, sql: NodeSql, running: Running) {
    const { pubkey, adminPubkeys } = running.config;
    this.name = directory;
    this.#sql = sql;
    this.#running = running;
    this.#caller = pubkey ?? [...adminPubkeys][0] ?? NOBODY;
  }

  /** Takes the directory for this process. Throws a {@link Failure} if there is no relay, or a StartError if it runs. */
  static async open(directory: string): Promise<LocalRelay> {
    const path = join(resolve(directory), DATABASE);
    if (!existsSync(path)) throw new Failure(`there is no data of a relay in ${directory}`);
    await lockDataDirectory(resolve(directory));
    const { variables } = await readSettings({ ...readEnvFile(), ...process.env });
    try {
      const sql = openSql(path);
      const running = assemble({
        settings: new Settings(variables),
        sql,
        crypto,
        host: HOST,
        age: () => ({}),
        maxFrameLength: () => 0,
      });
      return new LocalRelay(resolve(directory), sql, running);
    } catch (error) {
      throw new Failure(`the data in ${directory} cannot be opened: ${messageOf(error)}`);
    }
  }

  async call<T>(method: string, ...params: unknown[]): Promise<T> {
    const { management } = this.#running;
    const steps = management.begin(this.#caller, method, params);
    let result = steps === undefined ? management.call(this.#caller, method, params) : undefined;
    while (result === undefined) {
      const { done, value } = (steps as NonNullable<typeof steps>).next();
      if (done) result = value;
    }
    if (this.#sql.meter.written - this.#emptied > MAX_WAITING) {
      this.#emptied = this.#sql.meter.written;
      this.#sql.emptyLog();
    }
    if (!result.ok) throw new Failure(result.reason);
    return result.value as T;
  }

  close(): void {
    this.#running.log.saveCounts();
    this.#sql.close();
  }
}

/** No sockets, no timers: what is due is done when the relay runs again. */
const HOST: Host = {
  clock: { nowSeconds: () => Math.floor(Date.now() / 1000), nowMs: () => Date.now(), soon() {} },
  survival: MORTAL,
  report(message, details, level) {
    if (level !== "info") console.error(message, details);
  },
  randomHex: (bytes) => randomBytes(bytes).toString("hex"),
  wake() {},
  isSyncing: false,
  gatherMs: 0,
};
