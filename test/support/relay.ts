import { env } from "cloudflare:workers";
import { Client } from "./client.ts";
import type { Key } from "./keys.ts";

type Namespaces = { RELAY: DurableObjectNamespace };

/** A relay of its own: a fresh Durable Object in the workerd that runs the test. */
export interface TestRelay {
  stub: DurableObjectStub;
  /** Connects, and takes the challenge. */
  connect(): Promise<Client>;
  /** Connects and logs in with the keys. */
  login(...keys: Key[]): Promise<Client>;
}

export function freshRelay(): TestRelay {
  const { RELAY } = env as unknown as Namespaces;
  const stub = RELAY.get(RELAY.idFromName(crypto.randomUUID()));
  const connect = async (): Promise<Client> => {
    const response = await stub.fetch("http://relay/", { headers: { Upgrade: "websocket" } });
    const socket = response.webSocket;
    if (socket === null) throw new Error(`no WebSocket: ${response.status} ${await response.text()}`);
    const client = new Client(socket);
    socket.accept();
    const [verb, challenge] = await client.next();
    if (verb !== "AUTH") throw new Error(`first frame is ${verb}, not AUTH`);
    client.challenge = challenge as string;
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
  return { stub, connect, login };
}
