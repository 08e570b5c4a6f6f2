import type { Sql } from "../../../src/store/sql.ts";
import type { Client } from "../client.ts";
import { admin, type Key } from "../keys.ts";

/** Settings of the relay by the names of its variables. */
export type Settings = Readonly<Record<string, string>>;

/** The header in which `from` of {@link Knock} goes, as a proxy in front of the relay would set it. */
export const ADDRESS_HEADER = "X-Client-Address";

/**
 * What every relay under test is told, unless a test says otherwise: nothing waits for a login, a login may take its time, and
 * EOSE says whether the answer was complete.
 */
export const TEST_SETTINGS: Settings = {
  ADMIN_PUBKEYS: admin.pubkey,
  CLIENT_IP_HEADER: ADDRESS_HEADER,
  AUTH_GRACE_MS: "0",
  AUTH_TIMEOUT: "600",
  ENABLE_EOSE_HINT: "true",
  LOG_LEVEL: "error",
};

export interface Knock {
  /** Path of the relay, `/` unless told. */
  path?: string;
  /** IP address of the client; without it the relay sees what the host gives. */
  from?: string;
  headers?: Record<string, string>;
}

/** What came of an upgrade. */
export interface Upgrade {
  /** 101 when it was accepted. */
  status: number;
  headers: Headers;
  /** The connection, its challenge taken; only with status 101. */
  client?: Client;
}

/** One relay of its own under test, whatever the host. It starts on first use, and ends with the test file. */
export interface TestRelay {
  /** Asks for a WebSocket; never throws because the relay says no. */
  upgrade(knock?: Knock): Promise<Upgrade>;
  /** Connects, and takes the challenge; throws if it is not let in. */
  connect(knock?: Knock): Promise<Client>;
  /** Connects and logs in with the keys. */
  login(...keys: Key[]): Promise<Client>;
  /** HTTP of this relay, by a path or any URL; only path and query of it count. */
  fetch(pathOrUrl: string, init?: RequestInit): Promise<Response>;
  /**
   * Stops the clock that the relay judges by, at a Unix time in seconds, until it is set again. Timers go on in real time.
   * It stays as it is over {@link restart}.
   */
  setTime(seconds: number): void;
  /** Runs what periodic work is due by the clock of the relay, until nothing is. */
  ring(): Promise<void>;
  /** When periodic work is due next, in Unix seconds; undefined if there is none. */
  due(): Promise<number | undefined>;
  /**
   * Takes the relay out of memory and has it start on the same data; with `settings` instead of those it had.
   * Clients are connected and logged in afterwards as before. Whether their subscriptions are open depends on the host.
   */
  restart(settings?: Settings): Promise<void>;
  /** Works on the relay's database: to fill it before the relay is first used, or to see what is physically there. */
  database<T>(body: (sql: Sql) => T | Promise<T>): Promise<T>;
}

export type FreshRelay = (settings?: Settings) => TestRelay;

/** Takes the frame with which the relay greets; one that asks for no login does not. */
export async function greeted(client: Client, { AUTH_REQUIRED }: Settings): Promise<Client> {
  client.takesChallenges = AUTH_REQUIRED === "false";
  return client.takesChallenges ? client : client.takeChallenge();
}

/** What {@link TestRelay.connect} and {@link TestRelay.login} are, given `upgrade`. */
export function joining(upgrade: TestRelay["upgrade"]): Pick<TestRelay, "connect" | "login"> {
  const connect = async (knock?: Knock): Promise<Client> => {
    const { status, client } = await upgrade(knock);
    if (client === undefined) throw new Error(`no WebSocket: ${status}`);
    return client;
  };
  const login = async (...keys: Key[]): Promise<Client> => {
    const client = await connect();
    for (const by of keys) {
      const ok = await client.auth(by);
      if (ok[2] !== true) throw new Error(`login refused: ${JSON.stringify(ok)}`);
    }
    return client;
  };
  return { connect, login };
}
