// @ts-check
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { sampleEvents } from "../sample.ts";

// What Node and `ws` cost by themselves: sockets and frames as the relay has them, and nothing done in between. An EVENT gets
// its OK and goes to every open subscription; a REQ gets as many copies of one event as the relay has for it, then EOSE.
// Nothing is checked, matched or stored. What is sent in one turn leaves together.
//   node bench/floor/node.mjs PORT

const [event] = sampleEvents(1);
const EVENT = JSON.stringify(event);
/** Stored events of one author that are notes, and that name one key (`sample.ts`). */
const NOTES = 59;
const TAGGED = 88;

/** @typedef {import("ws").WebSocket & { _socket: import("node:net").Socket }} Client */

/** What an EVENT frame of its subscription begins with. @type {Map<Client, string>} */
const subscribed = new Map();
/** Sockets that were sent something in this turn. @type {Set<import("node:net").Socket>} */
const corked = new Set();

function uncork() {
  for (const socket of corked) socket.uncork();
  corked.clear();
}

/** @param {Client} client @param {string} text */
function send(client, text) {
  const socket = client._socket;
  if (!corked.has(socket)) {
    if (corked.size === 0) setImmediate(uncork);
    corked.add(socket);
    socket.cork();
  }
  client.send(text);
}

/** How many events the relay finds for a filter of the measurements. @param {any} filter */
function found({ ids, authors, limit, "#p": tagged }) {
  if (limit === 0) return 0;
  return ids?.length ?? (authors ? NOTES : tagged ? TAGGED : (limit ?? 0));
}

/** @param {Client} client @param {string} text */
function receive(client, text) {
  if (text.startsWith('["EVENT"')) {
    const at = text.indexOf('"id":"') + 6;
    send(client, `["OK","${text.slice(at, at + 64)}",true,""]`);
    const event = text.slice(9);
    for (const [other, prefix] of subscribed) send(other, prefix + event);
    return;
  }
  const [verb, id, filter] = JSON.parse(text);
  if (verb === "CLOSE") subscribed.delete(client);
  if (verb !== "REQ") return;
  const prefix = `["EVENT",${JSON.stringify(id)},`;
  for (let i = found(filter); i > 0; i--) send(client, `${prefix}${EVENT}]`);
  send(client, JSON.stringify(["EOSE", id]));
  // Those of the idle ask for nothing that is published.
  if (filter.kinds !== undefined) subscribed.set(client, prefix);
}

const server = createServer((_request, response) => response.end("ok"));
const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 1 << 20, backlog: 4096 });
sockets.on("connection", (socket) => {
  const client = /** @type {Client} */ (socket);
  client.on("message", (data) => receive(client, String(data)));
  client.on("close", () => subscribed.delete(client));
});
server.listen(Number(process.argv[2]), "127.0.0.1");
