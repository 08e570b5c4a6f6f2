import { type Event, parseEvent } from "./event.ts";
import { type Reason, type Result, refuse } from "./reason.ts";
import { relayPath } from "./relay-url.ts";

/** NIP-98: an event that authorizes one HTTP request. */
export const HTTP_AUTH_KIND = 27235;

/** Seconds that created_at may lie before or after now (R-05-69). */
export const HTTP_AUTH_TOLERANCE = 60;

/** Characters of an Authorization header; an event for it takes some 800. */
const MAX_HEADER = 8192;

/** What the event of a request is checked against. */
export interface HttpAuthCheck {
  method: string;
  /** Absolute URLs by which the request may be named, from the configuration and never from headers (R-05-70). */
  urls: readonly string[];
  /** Lowercase hex SHA-256 of the body's bytes. */
  /** Of a request without a body undefined: then no `payload` is asked for. */
  bodyHash: string | undefined;
  /** Seconds. */
  now: number;
}

/**
 * The event of an `Authorization: Nostr <base64>` header: any case of the scheme, either alphabet, padded or not
 * (R-05-68). Its id and signature are not checked.
 */
export function parseHttpAuth(header: string | null): Result<Event> {
  if (header === null) return refuse("auth-required: an Authorization header with a NIP-98 event is needed");
  if (header.length > MAX_HEADER) return refuse("invalid: the Authorization header is too long");
  const base64 = /^nostr +([a-z0-9+/_-]+)={0,2}\s*$/i.exec(header)?.[1];
  if (base64 === undefined) return refuse("invalid: the Authorization header is not 'Nostr' and base64");
  try {
    const binary = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    return parseEvent(JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)));
  } catch {
    return refuse("invalid: the Authorization header does not hold JSON in base64");
  }
}

/**
 * The checks of R-05-69 besides id and signature: kind, time, method, URL and body. The first tag of a name counts, and
 * a `payload` must be there. Returns the reason of the first that fails.
 */
export function checkHttpAuth(event: Event, { method, urls, bodyHash, now }: HttpAuthCheck): Reason | undefined {
  if (event.kind !== HTTP_AUTH_KIND) return `auth-required: kind must be ${HTTP_AUTH_KIND}`;
  if (Math.abs(now - event.created_at) > HTTP_AUTH_TOLERANCE) {
    return `auth-required: created_at is more than ${HTTP_AUTH_TOLERANCE} seconds off`;
  }
  if (tagOf(event, "method") !== method) return `auth-required: method tag must be ${method}`;
  const url = httpForm(tagOf(event, "u") ?? "");
  if (url === undefined || !urls.some((candidate) => httpForm(candidate) === url)) {
    return `auth-required: u tag must be ${httpForm(urls[0] ?? "")}`;
  }
  if (bodyHash !== undefined && (payloadOf(event) !== bodyHash || bodyHash === ""))
    return "auth-required: payload tag must be the SHA-256 of the body";
  return undefined;
}

/** What the event says of the body: its SHA-256 in lowercase hex; empty if it says nothing. */
export function payloadOf(event: Event): string {
  return tagOf(event, "payload") ?? "";
}

function tagOf({ tags }: Event, name: string): string | undefined {
  return tags.find((tag) => tag[0] === name)?.[1];
}

const HTTP_PROTOCOLS: Record<string, string> = {
  "ws:": "http:",
  "http:": "http:",
  "wss:": "https:",
  "https:": "https:",
};

/** One form for the spellings of a URL: as http or https, without default port and trailing slash of the path. */
function httpForm(text: string): string | undefined {
  const url = URL.parse(text);
  const protocol = HTTP_PROTOCOLS[url?.protocol ?? ""];
  if (url === null || protocol === undefined || url.hash !== "" || url.username !== "" || url.password !== "") {
    return undefined;
  }
  return `${protocol}//${url.host}${relayPath(url)}${url.search}`;
}
