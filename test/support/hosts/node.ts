import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { afterAll, onTestFinished } from "vitest";
import { WebSocket as NodeSocket } from "ws";
import { migrate } from "../../../src/store/schema.ts";
import { Client } from "../client.ts";
import { memorySql } from "../memory-sql.ts";
import { DATABASE, type NodeRelay, openNodeRelay } from "./open-node-relay.ts";
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

/** Of the relays that were made outside of a test. */
const endings: (() => Promise<void>)[] = [];

afterAll(async () => {
  await Promise.all(endings.splice(0).map((end) => end()));
}, 60_000);

/** Has `end` called after the test that runs, or else at the end of the file. */
function atEnd(end: () => Promise<void>): void {
  try {
    onTestFinished(end, 60_000);
  } catch {
    endings.push(end);
  }
}

/** A relay of the Node host in this process, with a port and a data directory of its own. */
export function freshRelay(settings: Settings = {}): TestRelay {
  let variables: Settings = { ...TEST_SETTINGS, ...settings };
  let time: number | undefined;
  let directory: string | undefined;
  let starting: Promise<NodeRelay> | undefined;
  const clients = new Set<Client>();
  const sockets = new Set<NodeSocket>();
  const dataDirectory = (): string => {
    if (directory === undefined) {
      directory = mkdtempSync(join(tmpdir(), "nexus-contract-"));
    }
    return directory;
  };
  const running = (): Promise<NodeRelay> => {
    starting ??= openNodeRelay(variables, dataDirectory(), () => time ?? Math.floor(Date.now() / 1000));
    return starting;
  };
  const stop = async (): Promise<void> => {
    const relay = await starting;
    starting = undefined;
    await relay?.close();
  };
  const end = async (): Promise<void> => {
    // So that it has nobody to say goodbye to.
    for (const socket of sockets) socket.terminate();
    await stop();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  };
  const socketTo = async ({ path = "/", from, headers }: Knock = {}): Promise<NodeSocket> => {
    const { port } = await running();
    const address = from === undefined ? {} : { [ADDRESS_HEADER]: from };
    const socket = new NodeSocket(`ws://127.0.0.1:${port}${path}`, { headers: { ...address, ...headers } });
    sockets.add(socket);
    return socket;
  };
  atEnd(end);
  const upgrade = async (knock?: Knock): Promise<Upgrade> => {
    const socket = await socketTo(knock);
    const refused = new Promise<IncomingMessage>((resolve) => {
      socket.on("unexpected-response", (_request: ClientRequest, response: IncomingMessage) => resolve(response));
    });
    // Before anything can arrive: frames come as soon as the handshake is over.
    const client = new Client(socket as unknown as WebSocket);
    const response = await Promise.race([refused, once(socket, "open").then(() => undefined)]);
    if (response !== undefined) {
      response.resume();
      return { status: response.statusCode ?? 0, headers: headersOf(response) };
    }
    clients.add(client);
    return { status: 101, headers: new Headers(), client: await greeted(client, variables) };
  };
  return {
    upgrade,
    ...joining(upgrade),
    async fetch(pathOrUrl, init = {}) {
      const { port } = await running();
      return ask(port, new URL(pathOrUrl, ORIGIN), init);
    },
    setTime(seconds) {
      time = seconds;
    },
    async ring() {
      const relay = await running();
      const now = () => time ?? Math.floor(Date.now() / 1000);
      for (let times = 0; times < 100_000; times++) {
        if (relay.due() > now()) return;
        relay.runDue();
        await new Promise((resolve) => setImmediate(resolve));
      }
      throw new Error("periodic work never ends");
    },
    async due() {
      const seconds = (await running()).due();
      return seconds === Number.POSITIVE_INFINITY ? undefined : seconds;
    },
    async restart(others) {
      const open = [...clients].filter(({ closed, isLeaving }) => closed === undefined && !isLeaving);
      await stop();
      clients.clear();
      if (others !== undefined) variables = { ...TEST_SETTINGS, ...others };
      await running();
      for (const client of open) {
        await client.rejoin((await socketTo()) as unknown as WebSocket);
        clients.add(client);
      }
    },
    async database(body) {
      const sql = memorySql(join(dataDirectory(), DATABASE));
      try {
        sql.db.exec("PRAGMA synchronous=OFF");
        migrate(sql);
        return await body(sql);
      } finally {
        sql.db.close();
      }
    },
  };
}

/** One request with exactly these headers: `fetch` adds some of its own, and refuses others. */
function ask(port: number, url: URL, { method = "GET", headers, body }: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: "127.0.0.1",
      port,
      method,
      path: url.pathname + url.search,
      headers: { Host: url.host, ...Object.fromEntries(new Headers(headers)) },
      agent: false,
    });
    asked.on("error", reject);
    asked.on("upgrade", (_response, socket) => {
      socket.destroy();
      reject(new Error("the relay has opened a WebSocket"));
    });
    asked.on("response", async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const status = response.statusCode ?? 0;
      const isEmpty = status === 204 || status === 304;
      resolve(new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers: headersOf(response) }));
    });
    // Of a body that is refused before its end the rest is not taken.
    if (body instanceof ReadableStream) pipeline(Readable.fromWeb(body as NodeReadableStream), asked).catch(() => {});
    else asked.end(body as string | Uint8Array | undefined);
  });
}

function headersOf({ headers }: IncomingMessage): Headers {
  const all = new Headers();
  for (const [name, value] of Object.entries(headers)) all.set(name, String(value));
  return all;
}
