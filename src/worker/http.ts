import { accepts, relayInformation } from "../protocol/info.ts";
import { MAX_SUB_ID } from "../protocol/message.ts";
import { retentionFacts } from "../protocol/retention.ts";
import type { Config } from "../relay/config.ts";
import { SOFTWARE, VERSION } from "./version.ts";

/** R-08-03. A bare `*` would not cover Authorization in browsers. */
const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
  "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept",
};

/** What is answered without the object: NIP-11, the page for people, and refusals. */
export function relayPage(request: Request, config: Config): Response {
  const headers = { ...CORS, Vary: "Accept" };
  if (accepts(request.headers.get("Accept"), "application/nostr+json")) {
    return new Response(informationOf(config), {
      headers: { ...headers, "Content-Type": "application/nostr+json" },
    });
  }
  return new Response(htmlOf(config), { headers: { ...headers, "Content-Type": "text/html; charset=utf-8" } });
}

export function preflight(): Response {
  return new Response(null, { status: 204, headers: CORS });
}

export function withCors(response: Response): Response {
  const copy = new Response(response.body, response);
  for (const [name, value] of Object.entries(CORS)) copy.headers.set(name, value);
  return copy;
}

export function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { "Content-Type": "text/plain; charset=utf-8", ...headers } });
}

function informationOf(config: Config): string {
  return relayInformation({
    name: config.name,
    description: config.description,
    pubkey: config.pubkey,
    contact: config.contact,
    supportedNips: config.supportedNips,
    software: SOFTWARE,
    version: VERSION,
    limitation: {
      max_message_length: config.maxMessageLength,
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
      restricted_writes: false,
      created_at_upper_limit: config.createdAtUpperLimit,
      created_at_lower_limit: config.createdAtLowerLimit,
    },
    retention: retentionFacts(config.retention),
  });
}

function htmlOf(config: Config): string {
  const name = escapeHtml(config.name);
  const description = config.description === undefined ? "" : `<p>${escapeHtml(config.description)}</p>`;
  const access = config.authRequired
    ? "It is private: a client has to log in (NIP-42) before it can read or write."
    : "It is open: logging in (NIP-42) is optional.";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}</title>
<style>
:root { color-scheme: light dark; font: 1.05rem/1.6 system-ui, sans-serif; }
body { max-width: 38rem; margin: 12vh auto 0; padding: 0 1.25rem; }
code { font-size: 1.05em; padding: .15em .4em; border-radius: .3em; background: color-mix(in srgb, currentColor 10%, transparent); overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>${name}</h1>
${description}
<p>This is a <a href="https://nostr.com">Nostr</a> relay. ${access}</p>
<p>Add it to your client: <code>${escapeHtml(config.relayUrls[0] ?? "")}</code></p>
<p>It speaks NIPs ${config.supportedNips.join(", ")} and runs Nexus ${VERSION}.</p>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
