import type { Socket } from "node:net";
import type { EventTemplate } from "nostr-tools/pure";
import { WebSocket } from "ws";
import { type Key, now, signed } from "../keys.ts";

/** A connection of a load test: cheaper than `Client`, and with a say over its headers. */
export interface TrafficClient {
  readonly socket: WebSocket;
  /** The next frame that begins with these members. */
  awaits(...head: unknown[]): Promise<unknown[]>;
}

/** Connects, and logs in if there is a key. Rejects with the status if the relay does not let it in. */
export function connectTraffic(url: string, by?: Key, headers: Record<string, string> = {}): Promise<TrafficClient> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    const waiting = new Set<{ head: unknown[]; resolve: (frame: unknown[]) => void }>();
    const client: TrafficClient = {
      socket,
      awaits: (...head) => new Promise((resolve) => waiting.add({ head, resolve })),
    };
    socket.on("error", reject);
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      reject(new Error(`refused with ${response.statusCode}, Retry-After: ${response.headers["retry-after"]}`));
    });
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data)) as unknown[];
      if (frame[0] === "AUTH") {
        if (by === undefined) return resolve(client);
        const event = authEvent(by, url, String(frame[1]));
        void client
          .awaits("OK", event.id)
          .then((ok) => (ok[2] === true ? resolve(client) : reject(new Error(`${ok}`))));
        socket.send(JSON.stringify(["AUTH", event]));
      }
      for (const one of waiting) {
        if (!one.head.every((member, i) => member === frame[i])) continue;
        waiting.delete(one);
        one.resolve(frame);
      }
    });
  });
}

/** The TCP connection below; the library keeps it to itself. */
export function tcpOf({ socket }: TrafficClient): Socket {
  return (socket as unknown as { _socket: Socket })._socket;
}

/** Ends the TCP connection without a Close frame, with a reset or a mere end; right after a `ping` if told. */
export function tear(client: TrafficClient, { afterPing = false, isReset = true } = {}): void {
  client.socket.on("error", () => {});
  if (afterPing) client.socket.send("ping");
  const tcp = tcpOf(client);
  if (isReset) tcp.resetAndDestroy();
  else tcp.destroy();
}

function authEvent(by: Key, url: string, challenge: string) {
  const tags = [
    ["relay", url],
    ["challenge", challenge],
  ];
  return signed(by, { kind: 22242, created_at: now(), tags } satisfies Partial<EventTemplate>);
}
