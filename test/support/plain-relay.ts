import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type Filter, matchFilters } from "nostr-tools/filter";
import { type Event, verifyEvent } from "nostr-tools/pure";
import { type WebSocket, WebSocketServer } from "ws";

export interface PlainRelayOptions {
  /** Events of one answer at most. */
  page?: number;
  /** It refuses what comes before a login, and only then asks for one. */
  needsLogin?: boolean;
}

/** A relay that knows EVENT, REQ and CLOSE only, and keeps its events in memory. */
export interface PlainRelay {
  url: string;
  events: Map<string, Event>;
  /** REQs so far. */
  requests(): number;
  /** Ends all connections; it goes on listening. */
  drop(): void;
  end(): Promise<void>;
}

/** Starts one on a free port. */
export async function startPlainRelay({ page = 500, needsLogin = false }: PlainRelayOptions = {}): Promise<PlainRelay> {
  const events = new Map<string, Event>();
  const open = new Map<WebSocket, Map<string, Filter[]>>();
  let requests = 0;
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  server.on("connection", (socket) => {
    const subscriptions = new Map<string, Filter[]>();
    open.set(socket, subscriptions);
    socket.on("close", () => open.delete(socket));
    const send = (message: unknown) => socket.send(JSON.stringify(message));
    const challenge = crypto.randomUUID();
    let isIn = !needsLogin;
    socket.on("message", (data) => {
      const [verb, first, ...rest] = JSON.parse(String(data));
      if (verb === "AUTH") {
        isIn = verifyEvent(first) && first.tags.some(([, value]: string[]) => value === challenge);
        return send(["OK", first.id, isIn, ""]);
      }
      if (!isIn && (verb === "REQ" || verb === "EVENT")) {
        send(["AUTH", challenge]);
        if (verb === "REQ") return send(["CLOSED", first, "auth-required: log in"]);
        return send(["OK", first.id, false, "auth-required: log in"]);
      }
      if (verb === "EVENT") {
        const isNew = !events.has(first.id);
        events.set(first.id, first);
        send(["OK", first.id, true, isNew ? "" : "duplicate: known"]);
        if (!isNew) return;
        for (const [other, all] of open) {
          for (const [id, filters] of all) {
            if (matchFilters(filters, first)) other.send(JSON.stringify(["EVENT", id, first]));
          }
        }
      } else if (verb === "REQ") {
        requests++;
        for (const event of answerOf([...events.values()], rest, page)) send(["EVENT", first, event]);
        send(["EOSE", first]);
        subscriptions.set(first, rest);
      } else if (verb === "CLOSE") subscriptions.delete(first);
      else send(["NOTICE", `unknown command ${verb}`]);
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events,
    requests: () => requests,
    drop: () => {
      for (const socket of server.clients) socket.terminate();
    },
    async end() {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, "close");
    },
  };
}

function answerOf(events: Event[], filters: Filter[], page: number): Event[] {
  const found = filters.flatMap((filter) =>
    events
      .filter((event) => matchFilters([filter], event))
      .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
      .slice(0, Math.min(filter.limit ?? page, page)),
  );
  return [...new Set(found)];
}
