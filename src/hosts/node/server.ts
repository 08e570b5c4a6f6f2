import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket as NetSocket } from "node:net";
import { Readable } from "node:stream";
import { normalizeIp, withoutPort } from "../../protocol/ip-address.ts";
import { type Origin, originOf } from "../../relay/connection.ts";
import type { Running } from "../assemble.ts";
import { answer } from "../http/answer.ts";
import { proxyWarning, turnAway } from "../http/door.ts";
import { plain, SECURITY, secured, withCors } from "../http/pages.ts";
import { purposeOf } from "../http/route.ts";
import { warnOnce } from "../warn.ts";
import { Entrance } from "./entrance.ts";
import { report } from "./host.ts";
import type { Sockets } from "./sockets.ts";
import type { SyncGate } from "./sync-gate.ts";

/** How long a client may take for the headers of a request, and for all of it, in milliseconds. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 20_000;

/** After so long without a byte the kernel asks whether the other side is still there, in milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** What requests are told that Node cannot read, by its code of the error. */
const FAULTS: Readonly<Record<string, [status: number, text: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "The headers are too long."],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request takes too long."],
};

/** The HTTP server of the relay: upgrades, and what is asked for without one. What was committed is durable before an answer. */
export function createRelayServer(running: Running, sockets: Sockets, gate: Pick<SyncGate, "pass">): Server {
  const server = createServer({
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: 2000,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    maxHeaderSize: 16_384,
    // Node would answer without the headers of every answer (R-08-10).
    requireHostHeader: false,
    // What offers HTTP/2 is an ordinary request.
    shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
  });
  const entrance = new Entrance();
  server.on("request", (request, response) => {
    const { socket } = request;
    if (!entrance.count(socket)) return;
    response.on("close", () => entrance.answered(socket));
    entrance.enter(socket, () => {
      serve(request, running, gate).then(
        (answered) => write(answered, request, response),
        (error) => {
          report("request failed", { error: String(error) });
          response.writeHead(500, SECURITY).end();
        },
      );
    });
  });
  server.on("upgrade", (request, net: NetSocket, head) => {
    net.on("error", () => net.destroy());
    entrance.enter(net, () => {
      const refusal = upgrade(request, net, head, running, sockets);
      if (refusal !== undefined) void refuse(net, refusal, request.method === "HEAD");
    });
  });
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    void write(plain(417, "Only 100-continue may be expected."), request, response);
  });
  server.on("clientError", (error: Error & { code?: string }, socket) => {
    const [status, text] = FAULTS[error.code ?? ""] ?? [400, "This is no HTTP request."];
    // What comes behind an answer is not answered.
    const isFirst = (socket as NetSocket).bytesWritten === 0;
    if (isFirst && socket.writable) void refuse(socket as NetSocket, plain(status, text));
    else socket.destroy();
  });
  // Most likely there are no descriptors left; those that wait are accepted when there are again.
  server.on("error", (error) => report("connections cannot be accepted", { error: String(error) }));
  return server;
}

/** Opens a connection, or says why not. */
function upgrade(
  incoming: IncomingMessage,
  net: NetSocket,
  head: Buffer,
  running: Running,
  sockets: Sockets,
): Response | undefined {
  const request = requestOf(incoming, false);
  if (request === undefined) return plain(400, "The target or a header of the request is malformed.");
  const { config } = running;
  const purpose = purposeOf(request, config);
  if (purpose instanceof Response) return purpose;
  if (incoming.httpVersion !== "1.1") return plain(400, "An upgrade to WebSocket needs HTTP 1.1.");
  if (purpose !== "upgrade") return plain(400, "Only an upgrade to websocket is possible.");
  const origin = originOfPeer(incoming, config.clientIpHeader);
  const warning = proxyWarning(origin?.isLoopback ?? false, request.headers, config);
  if (warning !== undefined) warnOnce(warning);
  const refusal = turnAway(origin, running, sockets.closing);
  if (refusal !== undefined) return refusal;
  sockets.accept(net, request.headers.get("Sec-WebSocket-Key") ?? "", head, origin);
  return undefined;
}

async function serve(incoming: IncomingMessage, running: Running, gate: Pick<SyncGate, "pass">): Promise<Response> {
  const request = requestOf(incoming, true);
  if (request === undefined) return plain(400, "The target or a header of the request is malformed.");
  const purpose = purposeOf(request, running.config);
  if (purpose === "upgrade") return plain(400, "The header Connection must be Upgrade.");
  if (purpose instanceof Response) return purpose;
  const answered = withCors(await answer(request, running));
  // It may confirm what was committed. Whether the process lives does not depend on the disk: that is answered above.
  await new Promise<void>((resolve) => gate.pass(resolve));
  return answered;
}

/** The request as the shared code takes it; undefined if its target or headers are none. */
function requestOf(incoming: IncomingMessage, mayHaveBody: boolean): Request | undefined {
  const { method = "GET", url = "/" } = incoming;
  if (incoming.httpVersion === "1.1" && incoming.headers.host === undefined) return undefined;
  const headers = new Headers();
  try {
    for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
      for (const value of values) headers.append(name, value);
    }
    const hasBody = mayHaveBody && method !== "GET" && method !== "HEAD";
    const body = hasBody ? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>) : null;
    // Node asks for `duplex` where a body streams; its type is not in the standard's.
    const init: RequestInit & { duplex: "half" } = { method, headers, body, duplex: "half" };
    return new Request(url.startsWith("/") ? `http://relay${url}` : url, init);
  } catch {
    return undefined;
  }
}

/** The address of the peer, or of whom a proxy in front names. Of a list, the last was added by the nearest proxy. */
function originOfPeer({ socket, headers }: IncomingMessage, proxyHeader: string | undefined): Origin | undefined {
  const named = proxyHeader === undefined ? undefined : headers[proxyHeader.toLowerCase()];
  const forwarded = [named].flat().at(-1)?.split(",").at(-1);
  const parse = (peer = "") => normalizeIp(withoutPort(peer.trim()));
  const ip = parse(forwarded) ?? parse(socket.remoteAddress);
  return ip === undefined ? undefined : originOf(ip);
}

async function write(bare: Response, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answered = secured(bare);
  const body = Buffer.from(await answered.arrayBuffer());
  const headers: Record<string, string | number> = Object.fromEntries(answered.headers);
  if (answered.status !== 204) headers["Content-Length"] = body.length;
  // What is left of a body that nobody has read is not waited for.
  if (!request.complete) headers.Connection = "close";
  response.writeHead(answered.status, headers);
  response.end(request.method === "HEAD" ? undefined : body, () => {
    // A request that was given up has lost its socket, whatever its type says.
    if (!request.complete) (request.socket as NetSocket | null)?.destroySoon();
  });
}

async function refuse(net: NetSocket, refused: Response, isHead = false): Promise<void> {
  const refusal = secured(refused);
  const body = Buffer.from(await refusal.arrayBuffer());
  const headers = [...refusal.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const status = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ""}\r\n`;
  net.write(`${status}${headers}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`);
  net.end(isHead ? "" : body);
  net.setTimeout(2000, () => net.destroy());
  net.resume();
}
