import { createHash, randomUUID } from "node:crypto";
import { operator, type Relay } from "../local.ts";

/** An authorization of the operator for one request (NIP-98). */
function authorization(url: string, method: string, body?: string): string {
  const tags = [
    ["u", url],
    ["method", method],
    ["nonce", randomUUID()],
  ];
  if (body !== undefined) tags.push(["payload", createHash("sha256").update(body).digest("hex")]);
  const event = operator.sign({ kind: 27_235, created_at: Math.floor(Date.now() / 1000), tags, content: "" });
  return `Nostr ${Buffer.from(JSON.stringify(event)).toString("base64")}`;
}

/** Calls a method of the management (NIP-86). */
export async function call<T = unknown>(relay: Relay, method: string, ...params: unknown[]): Promise<T> {
  const body = JSON.stringify({ method, params });
  const headers = {
    "Content-Type": "application/nostr+json+rpc",
    Authorization: authorization(`${relay.url}/`, "POST", body),
  };
  const response = await fetch(relay.url, { method: "POST", body, headers });
  const { result, error } = (await response.json()) as { result: T; error?: string };
  if (error) throw new Error(`${method}: ${error}`);
  return result;
}

/** Asks for a path, with an authorization of the operator. */
export async function get<T = unknown>(relay: Relay, path: string): Promise<T> {
  const url = `${relay.url}${path}`;
  const response = await fetch(url, { headers: { Authorization: authorization(url, "GET") } });
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
