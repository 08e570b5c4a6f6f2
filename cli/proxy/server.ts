import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { WebSocketServer } from "ws";
import { informationOf } from "../client/information.ts";
import { messageOf } from "../failure.ts";
import { Session, type SessionDeps } from "./session.ts";

/** Clients at a time. */
const MAX_CLIENTS = 1000;

/** Bytes of one frame at most. */
const MAX_PAYLOAD = 16 << 20;

/** Only programs on this machine reach it. */
const LOOPBACK = "127.0.0.1";

export interface ProxyOptions extends SessionDeps {
  port: number;
  /** Web pages whose scripts may connect. */
  origins: ReadonlySet<string>;
}

/** Starts a proxy: whoever connects to it acts with the key of its owner. Resolves when it listens. */
export function startProxy({ port, origins, ...deps }: ProxyOptions): Promise<Server> {
  // Any page in a browser reaches this machine too: it is known by its origin.
  const mayCome = ({ headers: { origin } }: IncomingMessage) => origin === undefined || origins.has(origin);
  const server = createServer((request, response) => {
    if (!mayCome(request)) return answer(response, 403, "This page may not use the proxy.\n");
    void tell(deps.place.url, request, response);
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD, perMessageDeflate: false });
  server.on("upgrade", (request, socket, head) => {
    const status = !mayCome(request) ? "403 Forbidden" : sockets.clients.size < MAX_CLIENTS ? undefined : "503 Full";
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => new Session(client, deps));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, () => resolve(server));
  });
}

/** The information document of the relay, but that no login is needed here. */
async function tell(url: string, { headers }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (headers.origin !== undefined) response.setHeader("Access-Control-Allow-Origin", headers.origin);
  if (!headers.accept?.includes("application/nostr+json")) {
    return answer(response, 200, `Clients on this machine reach ${url} here, logged in.\n`);
  }
  try {
    const { information } = await informationOf(url);
    const limitation = { ...(information.limitation as object | undefined), auth_required: false };
    response.setHeader("Content-Type", "application/nostr+json");
    response.end(JSON.stringify({ ...information, limitation }));
  } catch (error) {
    answer(response, 502, `${messageOf(error)}\n`);
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(text);
}
