import { FILES } from "../../../dashboard/built/files.mjs";
import { relayPath } from "../../protocol/relay-url.ts";
import type { Access } from "../../relay/access/access.ts";
import { whoMay } from "../../relay/access/describe.ts";
import type { Config } from "../../relay/config/config.ts";
import { VERSION } from "../version.ts";

/** First parts of the paths, behind the relay's own, whose pages the dashboard draws by itself. */
const PAGES: ReadonlySet<string> = new Set(["admin", "claim", "explore", "invite"]);

/** Of a file whose name changes with its content. */
const FOR_EVER = "public, max-age=31536000, immutable";

/**
 * The dashboard runs its own script and no other, and calls this relay and those of a remote signer (NIP-46). Pictures of
 * members come from anywhere.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self' wss: ws://localhost:* ws://127.0.0.1:*",
  "img-src 'self' https: data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** What the script loads by itself has a hash of its content in its name already. */
const LOADED = /-[\w-]{8}\.js$/;

const files = new Map(
  Object.entries(FILES).map(([name, file]) => [LOADED.test(name) ? name : `${file.hash}-${name}`, { ...file, name }]),
);

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Whether a path is of the dashboard, and not the relay's own, which answers with NIP-11 too. */
export function isDashboardPath(pathname: string, config: Config): boolean {
  const [first, ...rest] = partsOf(pathname, config) ?? [];
  return first !== undefined && (PAGES.has(first) || (first === "assets" && rest.length === 1));
}

/** A file of the dashboard, or the page in which it draws; undefined if there is no such file. Asks the relay nothing. */
export function dashboardFile(request: Request, config: Config): Response | undefined {
  const [first, name] = partsOf(new URL(request.url).pathname, config) ?? [];
  if (first === "assets") return asset(name ?? "", request.headers.get("Accept-Encoding") ?? "");
  return page(
    config,
    config.name,
    `<p aria-busy="true">Loading…</p><noscript><p>This page needs JavaScript.</p></noscript>`,
  );
}

/** The page of the relay (R-08-01). It says what the relay is without a script too. */
export function homePage(access: Access): Response {
  const { config } = access;
  const { name, description } = config;
  const { read, write } = whoMay(access);
  const main = `<h1>${escapeHtml(name)}</h1>
${description === undefined ? "" : `<p>${escapeHtml(description)}</p>`}
<p>This is a <a href="https://nostr.com">Nostr</a> relay.</p>
<p>Who may read: ${read}. Who may publish: ${write}.</p>
<p>Add it to your client: <code>${escapeHtml(config.relayUrls[0] ?? "")}</code></p>
<p>It speaks NIPs ${config.supportedNips.join(", ")} and runs Nexus ${VERSION}.</p>`;
  return page(config, name, main);
}

function page(config: Config, title: string, main: string): Response {
  const base = escapeHtml(baseOf(config));
  const path = (name: string) => `${base}/assets/${FILES[name]?.hash}-${name}`;
  const html = `<!doctype html>
<html lang="en" data-base="${base}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" type="image/svg+xml" href="${path("icon.svg")}">
<link rel="stylesheet" href="${path("app.css")}">
<script type="module" src="${path("app.js")}"></script>
</head>
<body>
<div id="app">
<main class="container">
${main}
</main>
</div>
</body>
</html>
`;
  return new Response(html, {
    headers: {
      "Cache-Control": "no-cache",
      "Content-Security-Policy": POLICY,
      "Content-Type": "text/html; charset=utf-8",
      Vary: "Accept",
    },
  });
}

function asset(name: string, accepted: string): Response | undefined {
  const file = files.get(name);
  if (file === undefined) return undefined;
  const bytes = bytesOf(file.gzip);
  const headers: Record<string, string> = {
    "Cache-Control": FOR_EVER,
    "Content-Type": TYPES[file.name.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    Vary: "Accept-Encoding",
  };
  if (!/\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(accepted)) {
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")), { headers });
  }
  // Cloudflare would compress once more what it is not told to be compressed already; the standard does not know the word.
  const init: ResponseInit & { encodeBody: "manual" } = { headers, encodeBody: "manual" };
  headers["Content-Encoding"] = "gzip";
  return new Response(bytes, init);
}

/** The parts of a path behind that of the relay; undefined if it is not below it. */
function partsOf(pathname: string, config: Config): string[] | undefined {
  const base = baseOf(config);
  return pathname.startsWith(`${base}/`) ? pathname.slice(base.length + 1).split("/") : undefined;
}

function baseOf({ relayUrls }: Config): string {
  return relayPath(new URL(relayUrls[0] as string));
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
