import { accepts, relayInformation } from "../../protocol/info.ts";
import { MAX_SUB_ID } from "../../protocol/message.ts";
import { retentionFacts } from "../../protocol/retention.ts";
import { type Access, restrictsWrites } from "../../relay/access/access.ts";
import { whoMay } from "../../relay/access/describe.ts";
import type { Running } from "../assemble.ts";
import { SOFTWARE, VERSION } from "../version.ts";

/** R-08-03. A bare `*` would not cover Authorization in browsers. */
const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
  "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept",
};

/** What every answer says to browsers: nothing of it is run, framed or told to others. The page brings its own style. */
export const SECURITY = {
  "Content-Security-Policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

/** What a GET of the relay's path is answered with: NIP-11, or the page for people. */
export function relayPage(request: Request, running: Running): Response {
  const isAsked = accepts(request.headers.get("Accept"), "application/nostr+json");
  const contentType = isAsked ? "application/nostr+json" : "text/html; charset=utf-8";
  const body = isAsked ? informationOf(running) : htmlOf(running.access);
  return new Response(body, { headers: { Vary: "Accept", "Content-Type": contentType } });
}

export function preflight(): Response {
  return new Response(null, { status: 204, headers: CORS });
}

/** The same response, which any web page may read. */
export function withCors(response: Response): Response {
  return withHeaders(response, CORS);
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

/** What is configured, unless management has changed it. */
function nameAndDescription({ config, lists }: Access): { name: string; description: string | undefined } {
  return {
    name: lists.get("setting", "name") ?? config.name,
    description: lists.get("setting", "description") ?? config.description,
  };
}

function informationOf({ access, crypto, maxFrameLength }: Running): string {
  const { config, lists } = access;
  return relayInformation({
    ...nameAndDescription(access),
    pubkey: config.pubkey,
    self: config.secretKey === undefined ? undefined : crypto.publicKey(config.secretKey),
    contact: config.contact,
    icon: lists.get("setting", "icon") ?? config.icon,
    banner: config.banner,
    termsOfService: config.termsOfService,
    access: whoMay(access),
    supportedNips: config.supportedNips,
    software: SOFTWARE,
    version: VERSION,
    limitation: {
      max_message_length: config.maxMessageLength,
      max_frame_length: maxFrameLength,
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

function htmlOf(access: Access): string {
  const { config } = access;
  const { name: plainName, description: text } = nameAndDescription(access);
  const name = escapeHtml(plainName);
  const description = text === undefined ? "" : `<p>${escapeHtml(text)}</p>`;
  const { read, write } = whoMay(access);
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
<p>This is a <a href="https://nostr.com">Nostr</a> relay.</p>
<p>Who may read: ${read}. Who may publish: ${write}.</p>
<p>Add it to your client: <code>${escapeHtml(config.relayUrls[0] ?? "")}</code></p>
<p>It speaks NIPs ${config.supportedNips.join(", ")} and runs Nexus ${VERSION}.</p>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
