import { setTimeout as sleep } from "node:timers/promises";
import { Management, Unreachable } from "../client/management.ts";
import { placeOf } from "../client/place.ts";
import { readSigner } from "../client/secret.ts";
import type { GlobalOptions } from "../commands/context.ts";
import { messageOf } from "../failure.ts";
import { LocalRelay } from "./local-relay.ts";

/** How long a relay may be away, in milliseconds, before a command gives up; and the waits in between. */
const PATIENCE_MS = 120_000;
const FIRST_WAIT_MS = 250;
const LAST_WAIT_MS = 5000;

/** The management of a relay, through which data is moved. */
export interface Channel {
  /** Names the relay in files that belong to it. */
  readonly name: string;
  call<T>(method: string, ...params: unknown[]): Promise<T>;
  close(): void;
}

export interface ChannelOptions extends GlobalOptions {
  /** The data directory of a relay that does not run. */
  data?: string;
}

/** The relay that runs, or the data directory of one that does not. `say` tells people that the relay is away. */
export async function openChannel(options: ChannelOptions, say: (text: string) => void): Promise<Channel> {
  if (options.data !== undefined) return LocalRelay.open(options.data);
  const place = placeOf(options.relay);
  const management = new Management(place, await readSigner(options));
  let hasAnswered = false;
  return {
    name: place.name,
    async call<T>(method: string, ...params: unknown[]) {
      const deadline = Date.now() + PATIENCE_MS;
      for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LAST_WAIT_MS)) {
        try {
          const result = await management.call<T>(method, ...params);
          hasAnswered = true;
          return result;
        } catch (error) {
          // One that was never there is most likely a wrong URL.
          if (!(error instanceof Unreachable) || !hasAnswered || Date.now() > deadline) throw error;
          if (waitMs === FIRST_WAIT_MS) say(`${messageOf(error)}; waiting for it to come back`);
          await sleep(waitMs);
        }
      }
    },
    close() {},
  };
}
