import { runInDurableObject } from "cloudflare:test";
import type { Connection } from "../../src/relay/connection.ts";
import { Relay } from "../../src/relay/relay.ts";
import type { Client } from "../support/client.ts";
import type { TestRelay } from "../support/relay.ts";

/** The connection that has sent something, by its challenge, and the relay that serves it. */
const served = new Map<string, [Relay, Connection]>();
const receive = Relay.prototype.receive;
Relay.prototype.receive = function (connection, text) {
  served.set(connection.challenge, [this, connection]);
  return receive.call(this, connection, text);
};

/**
 * Has the relay receive frames before any timer of its own rings, as the runtime does with what has come in. Each client
 * must have sent one frame before. Answers come over the sockets. Between two frames all runs that can, or as much of it
 * as is done in so many microtasks.
 */
export async function receiveTogether(
  relay: TestRelay,
  frames: readonly [Client, unknown[]][],
  microtasks = 100,
): Promise<void> {
  await runInDurableObject(relay.stub, async () => {
    for (const [client, frame] of frames) {
      const found = served.get(client.challenge);
      if (found === undefined) throw new Error("this client has sent nothing");
      const [by, connection] = found;
      void by.receive(connection, JSON.stringify(frame));
      for (let step = 0; step < microtasks; step++) await undefined;
    }
  });
}
