import { accepts, relayInformation } from "../../protocol/info.ts";
import { MAX_SUB_ID } from "../../protocol/message.ts";
import { retentionFacts } from "../../protocol/retention.ts";
import { restrictsWrites } from "../../relay/access/access.ts";
import { whoMay } from "../../relay/access/describe.ts";
import type { Running } from "../assemble.ts";
import { SOFTWARE, VERSION } from "../version.ts";
import { homePage } from "./dashboard.ts";

/** R-08-03. A bare `*` would not cover Authorization in browsers. */
const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
  "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept",
};

/** What an answer says to browsers, unless it says otherwise itself: nothing of it is run, loaded, framed or told to others. */
export const SECURITY = {
  "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

/** What a GET of the relay's path is answered with: NIP-11, or the page for people. */
export function relayPage(request: Request, running: Running): Response {
  if (!accepts(request.headers.get("Accept"), "application/nostr+json")) return homePage(running.access);
  return new Response(informationOf(running), {
    headers: { Vary: "Accept", "Content-Type": "application/nostr+json" },
  });
}

export function preflight(): Response {
  return new Response(null, { status: 204, headers: CORS });
}

/** The same response, which any web page may read. */
export function withCors(response: Response): Response {
  return withHeaders(response, CORS);
}

/** The same response with what {@link SECURITY} says, where it does not say it itself. */
export function secured(response: Response): Response {
  const missing = Object.entries(SECURITY).filter(([name]) => !response.headers.has(name));
  return withHeaders(response, Object.fromEntries(missing));
}

/** The same response with further headers. */
export function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  const copy = new Response(response.body, response);
  for (const [name, value] of Object.entries(headers)) copy.headers.set(name, value);
  return copy;
}

export function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { "Content-Type": "text/plain; charset=utf-8", ...headers } });
}

function informationOf({ access, crypto, maxFrameLength, isClaimable }: Running): string {
  const { config } = access;
  return relayInformation({
    name: config.name,
    description: config.description,
    pubkey: config.pubkey,
    self: config.secretKey === undefined ? undefined : crypto.publicKey(config.secretKey),
    contact: config.contact,
    icon: config.icon,
    banner: config.banner,
    termsOfService: config.termsOfService,
    access: whoMay(access),
    claimable: isClaimable(),
    supportedNips: config.supportedNips,
    software: SOFTWARE,
    version: VERSION,
    limitation: {
      max_message_length: config.maxMessageLength,
      max_frame_length: maxFrameLength(),
      max_subscriptions: config.maxSubscriptions,
      max_filters: config.maxFilters,
      max_limit: config.maxLimit,
      default_limit: config.defaultLimit,
      max_subid_length: MAX_SUB_ID,
      max_event_tags: config.maxEventTags,
      max_content_length: config.maxContentLength,
      min_pow_difficulty: config.minPow,
      auth_required: config.authRequired,
      payment_required: false,
      restricted_writes: restrictsWrites(access),
      created_at_upper_limit: config.createdAtUpperLimit,
      created_at_lower_limit: config.createdAtLowerLimit,
    },
    retention: retentionFacts(config.retention),
  });
}
