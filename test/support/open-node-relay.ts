import type { Settings } from "./test-relay.ts";

/** A running relay of the Node host, in this process. */
export interface NodeRelay {
  port: number;
  /** Runs one batch of all periodic work that is due. */
  runDue(): void;
  /** When periodic work is due next, in Unix seconds. */
  due(): number | undefined;
  /** Ends it, and frees its port and its data directory. */
  close(): Promise<void>;
}

/** Name of the database in a data directory. */
export const DATABASE = "relay.sqlite";

/** Starts the Node host on a free port of the loopback, with the clock of the test. */
export async function openNodeRelay(
  settings: Settings,
  directory: string,
  nowSeconds: () => number,
): Promise<NodeRelay> {
  throw new Error(`the Node host is not here yet: ${JSON.stringify(settings)} ${directory} ${nowSeconds()}`);
}
