import { relayPath } from "../../protocol/relay-url.ts";
import type { Config } from "../../relay/config/config.ts";
import { isManagement, isTooLarge } from "./management.ts";
import { plain, preflight, withCors } from "./pages.ts";

/** What a request is for. */
export type Errand = "upgrade" | "management" | "page";

/** What a request is for, or the answer to one that is for nothing here (R-01-01, R-08-08). */
export function errandOf(request: Request, config: Config): Errand | Response {
  const url = new URL(request.url);
  const isRelay = relayPath(url) === relayPath(new URL(config.relayUrls[0] as string));
  const isStatus = url.pathname === "/health" || url.pathname === "/api/stats";
  const isUpgrade = request.headers.get("Upgrade")?.toLowerCase() === "websocket";
  if (!isRelay && (isUpgrade || !isStatus)) return plain(404, "Not found.");
  // What a page may only read, as the NIP-11 document, every page may.
  const isRead = !isUpgrade && (request.method === "GET" || request.method === "HEAD");
  if (!isRead && !mayConnect(request, config)) return plain(403, "Pages of this origin may not connect.");
  if (request.method === "OPTIONS") return preflight();
  const isGet = request.method === "GET" || request.method === "HEAD";
  if (isGet && isRelay && isUpgrade) return canUpgrade(request) ? "upgrade" : upgradeRequired();
  const mayPost = isRelay && config.managementEnabled && !isUpgrade;
  if (mayPost && request.method === "POST") {
    if (isManagement(request)) return "management";
    return withCors(isTooLarge(request) ? plain(413, "Too large.") : plain(415, "Only NIP-86 is posted here."));
  }
  if (isGet) return "page";
  return withCors(plain(405, "Method not allowed.", { Allow: `GET, HEAD, ${mayPost ? "POST, " : ""}OPTIONS` }));
}

const upgradeRequired = () =>
  plain(426, "WebSocket version 13 is needed.", { Upgrade: "websocket", "Sec-WebSocket-Version": "13" });

/** RFC 6455: version 13, and a key that is the base64 form of 16 bytes. */
function canUpgrade({ headers }: Request): boolean {
  const key = headers.get("Sec-WebSocket-Key") ?? "";
  return headers.get("Sec-WebSocket-Version") === "13" && /^[A-Za-z0-9+/]{22}==$/.test(key);
}

/** Whether `ALLOWED_ORIGINS` lets the page in that a browser names; what is no browser names none. */
function mayConnect({ headers }: Request, { allowedOrigins }: Config): boolean {
  const origin = headers.get("Origin");
  return origin === null || allowedOrigins === undefined || allowedOrigins.includes(origin.toLowerCase());
}
