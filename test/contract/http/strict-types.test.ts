import { expect, test } from "vitest";
import { alice } from "../../support/keys.ts";
import { freshRelay } from "../../support/relay.ts";

/** A type of Go: one wrong member, and its JSON package gives up on the whole document. */
type Type = "string" | "bool" | "int" | readonly [Type] | { readonly [member: string]: Type };

/** The document as go-nostr, nostrlib and nak have it; what is not listed they skip. */
const DOCUMENT: Type = {
  name: "string",
  description: "string",
  pubkey: "string",
  self: "string",
  contact: "string",
  supported_nips: ["int"],
  software: "string",
  version: "string",
  icon: "string",
  banner: "string",
  terms_of_service: "string",
  limitation: {
    max_message_length: "int",
    max_frame_length: "int",
    max_subscriptions: "int",
    max_filters: "int",
    max_limit: "int",
    default_limit: "int",
    max_subid_length: "int",
    max_event_tags: "int",
    max_content_length: "int",
    min_pow_difficulty: "int",
    created_at_lower_limit: "int",
    created_at_upper_limit: "int",
    auth_required: "bool",
    payment_required: "bool",
    restricted_writes: "bool",
  },
  access: { read: "string", write: "string" },
  retention: [{ kinds: [["int"]], time: "int" }],
};

/** Paths of what has another type, or is not in the list above. */
function faults(value: unknown, type: Type | undefined, path = "$"): string[] {
  if (type === "int") return Number.isSafeInteger(value) ? [] : [path];
  if (type === "string") return typeof value === "string" ? [] : [path];
  if (type === "bool") return typeof value === "boolean" ? [] : [path];
  if (typeof value !== "object" || value === null || type === undefined) return [path];
  if (Array.isArray(type)) {
    return Array.isArray(value) ? value.flatMap((item, i) => faults(item, type[0], `${path}[${i}]`)) : [path];
  }
  const members = type as Record<string, Type>;
  return Object.entries(value).flatMap(([name, member]) => faults(member, members[name], `${path}.${name}`));
}

test("R-08-02 a client with strict types finds each member in its type", async () => {
  const documentOf = async (settings: Record<string, string>): Promise<unknown> =>
    (await freshRelay(settings).fetch("/", { headers: { Accept: "application/nostr+json" } })).json();
  const all = {
    RELAY_DESCRIPTION: "d",
    RELAY_PUBKEY: alice.pubkey,
    RELAY_CONTACT: "a@example.com",
    RELAY_ICON: "https://a.example/i",
    RELAY_BANNER: "https://a.example/b",
    RELAY_TERMS_OF_SERVICE: "https://a.example/t",
    RELAY_SECRET_KEY: "1".repeat(64),
    CREATED_AT_UPPER_LIMIT: "4294967296",
    CREATED_AT_LOWER_LIMIT: "4294967296",
    MIN_POW: "1",
    RETENTION: "1:60,3-4:60,9:7",
  };
  expect(faults(await documentOf({}), DOCUMENT)).toEqual([]);
  const full = (await documentOf(all)) as Record<string, unknown>;
  expect(faults(full, DOCUMENT)).toEqual([]);
  // Every member has been there.
  expect(Object.keys(full).sort()).toEqual(Object.keys(DOCUMENT).sort());
  // The check itself finds what broke them.
  expect(faults({ retention: [{ kinds: [[5000, 5127], 7000], time: 1 }] }, DOCUMENT)).toEqual([
    "$.retention[0].kinds[1]",
  ]);
});
