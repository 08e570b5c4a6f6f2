import type { Config } from "../../relay/config/config.ts";

/** Key of the row that holds them. */
const KEY = "own-urls";

/** More names than an operator gives one relay. */
const MAX_URLS = 20;

/**
 * URLs of the relay where `RELAY_URL` is not set: `wss://` and each name under which a request has come, since Cloudflare
 * routes only names of the operator's own. They are kept, because a message that wakes the object tells no name. Requests
 * without TLS, as on a machine of one's own, count for nothing: there a client may write any name into them.
 */
export class OwnUrls {
  readonly #kv: Pick<SyncKvStorage, "get" | "put">;
  readonly #relayUrl: () => unknown;
  #known: string[] | undefined;

  /** `relayUrl` gives the variable `RELAY_URL`. */
  constructor(kv: Pick<SyncKvStorage, "get" | "put">, relayUrl: () => unknown) {
    this.#kv = kv;
    this.#relayUrl = relayUrl;
  }

  /** A request has come for this URL. Writes a row for a name that is new to the relay. */
  heardOf(requestUrl: string, config: Config): void {
    const { protocol, host } = new URL(requestUrl);
    const url = `wss://${host}`;
    if (protocol !== "https:" || !this.#isOpen || config.publicUrls.includes(url)) return;
    if (this.#urls.length >= MAX_URLS) return;
    this.#known = [...this.#urls, url];
    this.#kv.put(KEY, this.#known);
    this.addTo(config);
  }

  /**
   * Makes all of them public URLs of the relay. The first is what people are shown. The default of `RELAY_URL` is the name of
   * another relay then: clients may still log in under it, but what was signed for that relay does not count here.
   */
  addTo(config: Config): void {
    if (!this.#isOpen) return;
    for (const list of ["publicUrls", "relayUrls", "managementUrls", "vanishUrls"] as const) {
      const others = config[list].filter(
        (url) => list === "relayUrls" || this.#urls.length === 0 || url !== config.url,
      );
      config[list] = [...new Set([...this.#urls, ...others])];
    }
  }

  get #isOpen(): boolean {
    return isNamedByRequests(this.#relayUrl());
  }

  get #urls(): string[] {
    const kept = this.#known ?? this.#kv.get(KEY);
    this.#known = Array.isArray(kept) ? kept.filter((url) => typeof url === "string") : [];
    return this.#known;
  }
}

/** Whether `RELAY_URL` has this value that leaves the names of the relay to the requests that come for it. */
export function isNamedByRequests(relayUrl: unknown): boolean {
  return typeof relayUrl !== "string" || relayUrl.trim() === "";
}
