// @ts-check
import { DurableObject } from "cloudflare:workers";

// What the runtime itself costs: sockets, frames and turns as the relay has them, and nothing done in between. An EVENT
// gets its OK and goes to every open subscription; a REQ gets as many copies of one event as its limit says, then EOSE.

const EVENT = JSON.stringify({
  id: "0".repeat(64),
  pubkey: "1".repeat(64),
  created_at: 1_700_000_000,
  kind: 1,
  tags: [["e", "2".repeat(64)]],
  content: "x".repeat(190),
  sig: "3".repeat(128),
});

export class Floor extends DurableObject {
  /** @type {Map<WebSocket, string>} what an EVENT frame of its subscription begins with */
  subscribed = new Map();

  async fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** @param {WebSocket} socket @param {string} text */
  webSocketMessage(socket, text) {
    if (text.startsWith('["EVENT"')) {
      const at = text.indexOf('"id":"') + 6;
      socket.send(`["OK","${text.slice(at, at + 64)}",true,""]`);
      const event = text.slice(9);
      for (const [other, prefix] of this.subscribed) other.send(prefix + event);
      return;
    }
    const [verb, id, filter] = JSON.parse(text);
    if (verb === "CLOSE") this.subscribed.delete(socket);
    if (verb !== "REQ") return;
    const prefix = `["EVENT",${JSON.stringify(id)},`;
    for (let i = 0; i < (filter.limit ?? filter.ids?.length ?? 0); i++) socket.send(`${prefix}${EVENT}]`);
    socket.send(JSON.stringify(["EOSE", id]));
    // Those of the idle ask for nothing that is published.
    if (filter.kinds !== undefined) this.subscribed.set(socket, prefix);
  }

  /** @param {WebSocket} socket */
  webSocketClose(socket) {
    this.subscribed.delete(socket);
    socket.close();
  }
}

export default {
  /** @param {Request} request @param {{ FLOOR: DurableObjectNamespace }} env */
  fetch(request, env) {
    if (request.headers.get("Upgrade") === null) return new Response("ok");
    return env.FLOOR.get(env.FLOOR.idFromName("floor")).fetch(request);
  },
};
