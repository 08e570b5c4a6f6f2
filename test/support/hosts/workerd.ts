import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { durableSql } from "../../../src/hosts/cloudflare/durable-sql.ts";
import { RelayObject } from "../../../src/hosts/cloudflare/relay-object.ts";
import worker from "../../../src/hosts/cloudflare/worker.ts";
import { migrate } from "../../../src/store/schema.ts";
import { Client } from "../client.ts";
import {
  ADDRESS_HEADER,
  greeted,
  joining,
  type Knock,
  type Settings,
  TEST_SETTINGS,
  type TestRelay,
  type Upgrade,
} from "./test-relay.ts";

const ORIGIN = "https://nexus.openagents.com";

const HANDSHAKE = {
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** Whether there are texts that are still to be indexed. */
const GAP = "SELECT count(*) AS count FROM meta WHERE key = 'search' AND value LIKE '%gap%'";

/** Times that tests have set, by object. Outside the objects, so that an eviction changes nothing. */
const times = new Map<string, number>();

const realSeconds = RelayObject.nowSeconds;
RelayObject.nowSeconds = (objectId) => times.get(objectId) ?? realSeconds(objectId);

/** A relay on workerd, of which tests may also take the Durable Object. */
export interface WorkerdRelay extends TestRelay {
  stub: DurableObjectStub;
  /** Rings the alarm once, due or not; false if none is set. */
  ringOnce(): Promise<boolean>;
}

/** The Worker before a Durable Object of its own, in the workerd that runs the test. */
export function freshRelay(settings: Settings = {}): WorkerdRelay {
  const { RELAY } = env as unknown as { RELAY: DurableObjectNamespace };
  const id = RELAY.idFromName(crypto.randomUUID());
  const stub = RELAY.get(id);
  let variables = settings;
  let configured: Promise<void> | undefined;
  // What all relays have is in the configuration of the project: an object is touched only for what is its own.
  const started = async (): Promise<void> => {
    if (Object.keys(variables).length > 0) configured ??= configure(stub, variables);
    await configured;
  };
  const ask = async (url: string, init?: RequestInit): Promise<Response> => {
    await started();
    const namespace = { idFromName: () => id, get: () => stub };
    const request = new Request(new URL(url, ORIGIN), asSent(init));
    return worker.fetch(request, {
      ...TEST_SETTINGS,
      ...variables,
      RELAY: namespace as unknown as DurableObjectNamespace,
    });
  };
  const upgrade = async ({ path = "/", from, headers }: Knock = {}): Promise<Upgrade> => {
    const address = from === undefined ? {} : { [ADDRESS_HEADER]: from };
    const response = await ask(path, { headers: { ...HANDSHAKE, ...address, ...headers } });
    const socket = response.webSocket;
    if (socket === null) {
      // A body that nobody reads would keep the object.
      await response.text();
      return { status: response.status, headers: response.headers };
    }
    const client = new Client(socket);
    socket.accept();
    return { status: response.status, headers: response.headers, client: await greeted(client, variables) };
  };
  const due = async (): Promise<number | undefined> => {
    await started();
    const atMs = await runInDurableObject(stub, (_object, { storage }) => storage.getAlarm());
    return atMs === null ? undefined : atMs / 1000;
  };
  const isDue = async () => ((await due()) ?? Number.POSITIVE_INFINITY) <= RelayObject.nowSeconds(id.toString());
  return {
    stub,
    upgrade,
    ...joining(upgrade),
    async fetch(pathOrUrl, init) {
      const response = await ask(pathOrUrl, init);
      if (response.webSocket === null) return response;
      response.webSocket.accept();
      response.webSocket.close();
      throw new Error("the relay has opened a WebSocket");
    },
    setTime: (seconds) => void times.set(id.toString(), seconds),
    due,
    ringOnce: () => runDurableObjectAlarm(stub),
    async ring() {
      for (let times = 0; times < 1000; times++) {
        // Called as the runtime calls it, whether an alarm is set or the runtime runs one this moment.
        await started();
        const isBehind = await runInDurableObject(stub, async (object, { storage }) => {
          // While one runs, none is set.
          await storage.deleteAlarm();
          await (object as unknown as { alarm(): Promise<void> }).alarm();
          // It looks first whether one is set, and sets it then.
          await storage.getAlarm();
          return storage.sql.exec<{ count: number }>(GAP).one().count > 0;
        });
        // The runtime may be at it as well, and then none is set.
        if (!isBehind && !(await isDue())) return;
      }
      throw new Error("the alarm never stops");
    },
    async restart(others) {
      await evictDurableObject(stub);
      if (others !== undefined) variables = others;
      configured = undefined;
      await started();
    },
    async database(body) {
      await started();
      return runInDurableObject(stub, (_object, { storage }) => {
        const sql = durableSql(storage);
        migrate(sql);
        return body(sql);
      });
    },
  };
}

/** As a request comes over the wire: with the length of its body, where that is known. */
function asSent(init: RequestInit = {}): RequestInit<CfProperties> {
  const { body } = init;
  const headers = new Headers(init.headers);
  if (typeof body === "string") headers.set("Content-Length", String(new TextEncoder().encode(body).length));
  if (body instanceof Uint8Array) headers.set("Content-Length", String(body.length));
  return { ...init, headers } as RequestInit<CfProperties>;
}

/** Sets variables of an object that has not run yet, or is away. */
function configure(stub: DurableObjectStub, variables: Settings): Promise<void> {
  return runInDurableObject(stub, (object) => {
    const configurable = object as unknown as { env: Record<string, unknown> };
    configurable.env = { ...configurable.env, ...variables };
  });
}
