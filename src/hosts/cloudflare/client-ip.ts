import { normalizeIp, withoutPort } from "../../protocol/ip-address.ts";

/** Set by the Worker on every request to the object, so that no client can forge it. */
const HEADER = "Nexus-Client-Address";

/**
 * The request as the object gets it. The address is that of `CLIENT_IP_HEADER`, where a proxy in front gives one; else of
 * the peer, which workerd gives in `cf` and Cloudflare, where clients cannot set it, in a header.
 */
export function withClientIp(request: Request, proxyHeader: string | undefined): Request {
  const peer = request.cf?.clientIp ?? request.headers.get("CF-Connecting-IP");
  // Of a list, the last was added by the nearest proxy.
  const forwarded = proxyHeader === undefined ? undefined : request.headers.get(proxyHeader)?.split(",").at(-1);
  // What the header says may be no address: then whoever sent it still has one, and a rate.
  const ip = parse(forwarded) ?? parse(peer);
  const headers = new Headers(request.headers);
  if (ip === undefined) headers.delete(HEADER);
  else headers.set(HEADER, ip);
  return new Request(request, { headers });
}

function parse(peer: unknown): string | undefined {
  return normalizeIp(withoutPort(String(peer ?? "").trim()));
}

/** The client's address as the Worker knows it, normalized. */
export function clientIp(request: Request): string | undefined {
  return request.headers.get(HEADER) ?? undefined;
}
