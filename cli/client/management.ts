import { createHash, randomUUID } from "node:crypto";
import { HTTP_AUTH_KIND } from "../../src/protocol/http-auth.ts";
import { Failure, messageOf } from "../failure.ts";
import type { Signer } from "./crypto.ts";
import { textOf } from "./http.ts";
import { httpUrl, type Place } from "./place.ts";

const RPC = "application/nostr+json+rpc";
const TIMEOUT_MS = 30_000;

/** Warnings of an answer that are read. */
const MAX_WARNINGS = 20;

/** Bytes of an answer at most: a list has up to 20,000 entries. */
const MAX_ANSWER = 1 << 25;

/** Nobody answers, or who does cannot now: the same call may do a moment later. */
export class Unreachable extends Failure {}

/** What a relay answers. */
interface Answer {
  status: number;
  result?: unknown;
  /** What it warns of. */
  warnings?: string[];
  /** What was to be changed was so already. */
  unchanged?: boolean;
  error?: string;
}

/** The management of a relay (NIP-86), called with one key. */
export class Management {
  readonly #place: Place;
  readonly #signer: Signer;

  constructor(place: Place, signer: Signer) {
    this.#place = place;
    this.#signer = signer;
  }

  /** Calls a method. A refusal is a {@link Failure}; of a method that the relay does not have it says so. */
  async call<T = unknown>(method: string, ...params: unknown[]): Promise<T> {
    return (await this.ask(method, ...params)).result as T;
  }

  /** The same, with what else the relay says. */
  async ask(method: string, ...params: unknown[]): Promise<Answer> {
    const answer = await this.#post(method, params);
    const { status, error } = answer;
    if (error === undefined) return answer;
    if (status >= 500 || status === 429) throw new Unreachable(error);
    if (status === 401 || method === "supportedmethods") throw new Failure(error);
    const supported = (await this.#post("supportedmethods", [])).result;
    if (Array.isArray(supported) && !supported.includes(method)) {
      throw new Failure(`the relay does not offer this key the method ${method} (supportedmethods does not list it)`);
    }
    throw new Failure(error);
  }

  async #post(method: string, params: unknown[]): Promise<Answer> {
    const body = JSON.stringify({ method, params });
    const event = await this.#signer.sign({
      kind: HTTP_AUTH_KIND,
      tags: [
        ["u", httpUrl(this.#place.name)],
        ["method", "POST"],
        ["payload", createHash("sha256").update(body).digest("hex")],
        ["nonce", randomUUID()],
      ],
    });
    const authorization = `Nostr ${Buffer.from(JSON.stringify(event)).toString("base64")}`;
    const url = httpUrl(this.#place.url);
    const response = await fetch(url, {
      method: "POST",
      body,
      redirect: "error",
      headers: { "Content-Type": RPC, Authorization: authorization },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error) => {
      throw new Unreachable(`no relay answers at ${url}: ${messageOf(error)}`);
    });
    const text = await textOf(response, MAX_ANSWER).catch((error) => {
      throw new Unreachable(`${url} breaks off its answer: ${messageOf(error)}`);
    });
    try {
      const { result, error, warnings, unchanged } = JSON.parse(text) as Record<string, unknown>;
      const failed = error !== undefined && error !== null && error !== "";
      const said = {
        ...(Array.isArray(warnings) && { warnings: warnings.slice(0, MAX_WARNINGS).map(String) }),
        ...(unchanged === true && { unchanged }),
      };
      return { status: response.status, result, ...said, ...(failed && { error: String(error) }) };
    } catch {
      if (response.status >= 500) throw new Unreachable(`${url} answers with HTTP ${response.status}`);
      throw new Failure(`the relay has no management: HTTP ${response.status} ${text.slice(0, 200).trim()}`);
    }
  }
}
