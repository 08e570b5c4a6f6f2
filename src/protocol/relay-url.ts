import { isLoopback, normalizeIp } from "./ip-address.ts";

const DEFAULT_PORTS: Record<string, string> = { "ws:": "80", "http:": "80", "wss:": "443", "https:": "443" };

/**
 * One form for all spellings of a relay's URL (R-05-55): scheme, default port, one trailing slash, query and fragment
 * do not count; host (lower case, IDNA), port and path do. Undefined if it is no relay URL.
 */
export function normalizeRelayUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.hostname === "") return undefined;
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined) return undefined;
  const port = url.port === "" || url.port === defaultPort ? "" : `:${url.port}`;
  return `${url.hostname}${port}${relayPath(url)}`;
}

/** Path of a relay URL without one trailing slash: empty for the root. */
export function relayPath(url: URL): string {
  return url.pathname.endsWith("/") ? url.pathname.slice(0, -1) : url.pathname;
}

/** Whether a host of a URL is this machine, whoever asks. */
export function isLoopbackHost(hostname: string): boolean {
  // A name such as 127.0.0.1.example.com is no address: its owner says where it leads.
  const ip = normalizeIp(hostname.replace(/^\[|\]$/g, ""));
  return hostname === "localhost" || hostname.endsWith(".localhost") || (ip !== undefined && isLoopback(ip));
}
