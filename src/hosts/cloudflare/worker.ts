import { relayPath } from "../../protocol/relay-url.ts";
import { type Config, parseConfig } from "../../relay/config/config.ts";
import { forManagement, isManagement, isTooLarge } from "../http/management.ts";
import { plain, preflight, withCors } from "../http/pages.ts";
import { withClientAddress } from "./client-address.ts";
import type { Env } from "./relay-object.ts";

export { RelayObject } from "./relay-object.ts";

/** Name of the one object that holds the relay. */
const OBJECT_NAME = "main";

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    let config: Config;
    try {
      config = parseConfig(env);
    } catch (error) {
      console.error(String(error));
      return plain(503, "This relay is not configured correctly. Its log says which variable to mend.");
    }
    return route(request, env, config);
  },
};

async function route(request: Request, env: Env, config: Config): Promise<Response> {
  const url = new URL(request.url);
  const isRelay = relayPath(url) === relayPath(new URL(config.relayUrls[0] as string));
  const isStatus = url.pathname === "/health" || url.pathname === "/api/stats";
  const isUpgrade = request.headers.get("Upgrade")?.toLowerCase() === "websocket";
  if (!isRelay && (isUpgrade || !isStatus)) return plain(404, "Not found.");
  if (request.method === "OPTIONS") return preflight();
  const isGet = request.method === "GET" || request.method === "HEAD";
  if (isGet && isRelay && isUpgrade) return upgrade(request, env, config);
  const mayPost = isRelay && config.managementEnabled && !isUpgrade;
  const isPost = mayPost && request.method === "POST";
  if (isPost && !isManagement(request)) {
    return withCors(isTooLarge(request) ? plain(413, "Too large.") : plain(415, "Only NIP-86 is posted here."));
  }
  if (!isGet && !isPost) {
    return withCors(plain(405, "Method not allowed.", { Allow: `GET, HEAD, ${mayPost ? "POST, " : ""}OPTIONS` }));
  }
  const admitted = isPost ? await forManagement(request) : request;
  return withCors(admitted instanceof Response ? admitted : await theObject(env).fetch(admitted));
}

async function upgrade(request: Request, env: Env, config: Config): Promise<Response> {
  if (request.headers.get("Sec-WebSocket-Version") !== "13" || !hasWebSocketKey(request)) {
    return plain(426, "WebSocket version 13 is needed.", { Upgrade: "websocket", "Sec-WebSocket-Version": "13" });
  }
  return theObject(env).fetch(withClientAddress(request, config.clientIpHeader));
}

/** RFC 6455: the base64 form of 16 bytes. */
function hasWebSocketKey(request: Request): boolean {
  return /^[A-Za-z0-9+/]{22}==$/.test(request.headers.get("Sec-WebSocket-Key") ?? "");
}

function theObject(env: Env): DurableObjectStub {
  return env.RELAY.get(env.RELAY.idFromName(OBJECT_NAME));
}
