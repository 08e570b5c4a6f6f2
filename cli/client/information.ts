import { Failure, messageOf } from "../failure.ts";
import { textOf } from "./http.ts";
import { httpUrl } from "./place.ts";

const TIMEOUT_MS = 10_000;

/** What a relay says about itself (NIP-11), and when it said so by its own clock. */
export async function informationOf(
  url: string,
): Promise<{ information: Record<string, unknown>; date: string | null }> {
  const headers = { Accept: "application/nostr+json" };
  const response = await fetch(httpUrl(url), { headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error) => {
    throw new Failure(`no relay answers at ${httpUrl(url)}: ${messageOf(error)}`);
  });
  const information = await textOf(response).then(parsed, () => undefined);
  if (typeof information !== "object" || information === null) {
    throw new Failure(`${httpUrl(url)} gives no information document (NIP-11): HTTP ${response.status}`);
  }
  return { information: information as Record<string, unknown>, date: response.headers.get("Date") };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
