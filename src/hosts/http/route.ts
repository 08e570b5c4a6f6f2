import { relayPath } from "../../protocol/relay-url.ts";
import type { Config } from "../../relay/config/config.ts";
import { isManagement, isTooLarge } from "./management.ts";
import { hasToken } from "./metrics.ts";
import { plain, preflight, withCors } from "./pages.ts";

/** What a request is for. */
export type Errand = "upgrade" | "management" | "page";

/** What a request is for, or the answer to one that is for nothing here (R-01-01, R-08-08). */
export function errandOf(request: Request, config: Config): Errand | Response {
  const url = new URL(request.url);
  const isRelay = relayPath(url) === relayPath(new URL(config.relayUrls[0] as string));
  const isMetrics = url.pathname === "/metrics" && config.metricsToken !== undefined;
  const isStatus = STATUS.has(url.pathname) || isMetrics;
  const isUpgrade = request.headers.get("Upgrade")?.toLowerCase() === "websocket";
  if (!isRelay && (isUpgrade || !isStatus)) return plain(404, "Not found.");
  if (request.method === "OPTIONS") return preflight();
  const isGet = request.method === "GET" || request.method === "HEAD";
  if (isGet && isRelay && isUpgrade) return canUpgrade(request) ? "upgrade" : upgradeRequired();
  const mayPost = isRelay && config.managementEnabled && !isUpgrade;
  if (mayPost && request.method === "POST") {
    if (isManagement(request)) return "management";
    return withCors(isTooLarge(request) ? plain(413, "Too large.") : plain(415, "Only NIP-86 is posted here."));
  }
  if (isGet && url.pathname === "/health/live") return withCors(plain(200, "ok"));
  if (isGet && isMetrics && !hasToken(request, config.metricsToken as string)) return unauthorized();
  if (isGet) return "page";
  return withCors(plain(405, "Method not allowed.", { Allow: `GET, HEAD, ${mayPost ? "POST, " : ""}OPTIONS` }));
}

/** What anybody may ask for. */
const STATUS: ReadonlySet<string> = new Set(["/health", "/health/live", "/health/ready", "/api/stats"]);

const unauthorized = () =>
  withCors(plain(401, "The token of the metrics is needed.", { "WWW-Authenticate": "Bearer" }));

const upgradeRequired = () =>
  plain(426, "WebSocket version 13 is needed.", { Upgrade: "websocket", "Sec-WebSocket-Version": "13" });

/** RFC 6455: version 13, and a key that is the base64 form of 16 bytes. */
function canUpgrade({ headers }: Request): boolean {
  const key = headers.get("Sec-WebSocket-Key") ?? "";
  return headers.get("Sec-WebSocket-Version") === "13" && /^[A-Za-z0-9+/]{22}==$/.test(key);
}
