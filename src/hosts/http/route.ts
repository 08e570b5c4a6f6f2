import { relayPath } from "../../protocol/relay-url.ts";
import type { Config } from "../../relay/config/config.ts";
import { dashboardFile, isDashboardPath } from "./dashboard.ts";
import { JOBS_PATH } from "./jobs.ts";
import { isManagement, isTooLarge } from "./management.ts";
import { hasToken } from "./metrics.ts";
import { plain, preflight, withCors } from "./pages.ts";

/** What a request is for. */
export type Purpose = "upgrade" | "management" | "page";

/** What a request is for, or the answer to one that is for nothing here (R-01-01, R-08-08). */
export function purposeOf(request: Request, config: Config): Purpose | Response {
  const url = new URL(request.url);
  const isRelay = relayPath(url) === relayPath(new URL(config.relayUrls[0] as string));
  const isMetrics = url.pathname === "/metrics" && config.metricsToken !== undefined;
  const isOfDashboard = isDashboardPath(url.pathname, config);
  const isJobs = url.pathname === JOBS_PATH && config.managementEnabled;
  const isStatus = STATUS.has(url.pathname) || isJobs || isMetrics || isOfDashboard;
  const isUpgrade = request.headers.get("Upgrade")?.toLowerCase() === "websocket";
  if (!isRelay && (isUpgrade || !isStatus)) return plain(404, "Not found.");
  // What a page may only read, as the NIP-11 document, every page may.
  const isRead = !isUpgrade && (request.method === "GET" || request.method === "HEAD");
  if ((!isRead || isJobs) && !mayConnect(request, config)) return plain(403, "Pages of this origin may not connect.");
  if (request.method === "OPTIONS") return preflight();
  const isGet = request.method === "GET" || request.method === "HEAD";
  if (isUpgrade) return refuseUpgrade(request) ?? "upgrade";
  const mayPost = isRelay && config.managementEnabled;
  if (mayPost && request.method === "POST") {
    if (isManagement(request)) return "management";
    return withCors(
      isTooLarge(request) ? plain(413, "The body is too large.") : plain(415, "Only NIP-86 is posted here."),
    );
  }
  if (isGet && url.pathname === "/health/live") return withCors(plain(200, "ok"));
  if (isGet && isMetrics && !hasToken(request, config.metricsToken as string)) return unauthorized();
  if (isGet && isOfDashboard) return dashboardFile(request, config) ?? plain(404, "Not found.");
  if (isGet) return "page";
  return withCors(plain(405, "Method not allowed.", { Allow: `GET, HEAD, ${mayPost ? "POST, " : ""}OPTIONS` }));
}

/** What anybody may ask for by GET. */
const STATUS: ReadonlySet<string> = new Set(["/health", "/health/live", "/health/ready", "/api/stats"]);

const unauthorized = () =>
  withCors(plain(401, "The token of the metrics is needed.", { "WWW-Authenticate": "Bearer" }));

/** What is wrong with an upgrade (RFC 6455, 4.2); undefined if it is right. */
function refuseUpgrade({ method, headers }: Request): Response | undefined {
  const [version, key] = [headers.get("Sec-WebSocket-Version"), headers.get("Sec-WebSocket-Key")];
  if (method !== "GET") return plain(400, "An upgrade to WebSocket is a GET.");
  if (version === null) return plain(400, "The header Sec-WebSocket-Version is missing. It must be 13.");
  if (version !== "13") {
    const needed = { Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
    return plain(426, "The header Sec-WebSocket-Version must be 13.", needed);
  }
  if (key === null) return plain(400, "The header Sec-WebSocket-Key is missing.");
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    return plain(400, "The header Sec-WebSocket-Key must be one value, 16 bytes in base64.");
  }
  return undefined;
}

/** Whether `ALLOWED_ORIGINS` lets the page in that a browser names; what is no browser names none. */
function mayConnect({ headers }: Request, { allowedOrigins }: Config): boolean {
  const origin = headers.get("Origin");
  return origin === null || allowedOrigins === undefined || allowedOrigins.includes(origin.toLowerCase());
}
