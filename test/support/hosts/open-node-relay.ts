import { clock } from "../../../src/hosts/node/host.ts";
import { DATABASE, startRelay } from "../../../src/hosts/node/main.ts";
import type { Clock } from "../../../src/relay/ports.ts";
import type { Settings } from "./test-relay.ts";

/** A running relay of the Node host, in this process. */
export interface NodeRelay {
  port: number;
  /** Runs one batch of all periodic work that is due. */
  runDue(): void;
  /** When periodic work is due next, in Unix seconds; infinite if there is none. */
  due(): number;
  /** Ends it, and frees its port and its data directory. */
  close(): Promise<void>;
}

export { DATABASE };

/** Starts the Node host on a free port of the loopback, with the clock of the test. */
export async function openNodeRelay(
  variables: Settings,
  dataDirectory: string,
  nowSeconds: () => number,
): Promise<NodeRelay> {
  const failed = () => {
    throw new Error("the disk does not keep what is written");
  };
  let isClosed = false;
  const time: Clock = {
    ...clock,
    nowSeconds,
    // The process of a test goes on when a relay has ended, as no other does.
    soon: (delayMs, task) =>
      clock.soon(delayMs, () => {
        if (!isClosed) task();
      }),
  };
  const running = await startRelay({ variables, dataDirectory, host: "127.0.0.1", port: 0, failed, clock: time });
  const { chores, port, stop } = running;
  const close = (): Promise<void> => {
    isClosed = true;
    return stop();
  };
  return { port, runDue: () => void chores.run(), due: () => chores.nextDue(), close };
}
