import { schnorr } from "@noble/curves/secp256k1";
import fc from "fast-check";
import { getEventHash } from "nostr-tools/pure";
import { expect } from "vitest";
import { createCrypto } from "../../src/protocol/crypto/secp256k1.ts";
import wasm from "../../src/protocol/crypto/secp256k1.wasm";
import { VerifiedEvent } from "../../src/protocol/crypto/verify.ts";
import type { Event } from "../../src/protocol/event.ts";
import { checkHttpAuth, parseHttpAuth } from "../../src/protocol/http-auth.ts";
import { fuzz } from "../support/fuzz.ts";
import { alike, damaged, oddText } from "../support/json-text.ts";
import { alice, bob, signed } from "../support/keys.ts";

const NOW = 1_700_000_000;
const BODY = "ab".repeat(32);
const RELAY = "https://relay.example.com:8443/nostr/?x=1";

/** Spellings of the URL of the request, and what looks like one. */
const RIGHT_URLS = [
  RELAY,
  "https://relay.example.com:8443/nostr?x=1",
  "wss://relay.example.com:8443/nostr?x=1",
  "WSS://RELAY.EXAMPLE.COM:8443/nostr/?x=1",
];
const WRONG_URLS = [
  "",
  "relay.example.com:8443/nostr?x=1",
  "http://relay.example.com:8443/nostr?x=1",
  "ws://relay.example.com:8443/nostr?x=1",
  "https://relay.example.com/nostr?x=1",
  "https://relay.example.com:8443/NOSTR?x=1",
  "https://relay.example.com:8443/nostr",
  "https://relay.example.com:8443/nostr?x=2",
  "https://relay.example.com:8443/nostr//?x=1",
  "https://relay.example.com:8443/nostr?x=1#x",
  "https://me@relay.example.com:8443/nostr?x=1",
  "https://relay.example.com.:8443/nostr?x=1",
  "https://relay.example.com:8443@evil.example/nostr?x=1",
  "ftp://relay.example.com:8443/nostr?x=1",
];

interface Input {
  template: { kind: number; offset: number; tags: string[][]; content: string };
  /** Edits of the JSON, and of the header; in thousandths of each, so that they are most often none. */
  json: string | undefined;
  isUrlAlphabet: boolean;
  padding: number;
  before: string;
  after: string;
  header: string | undefined;
}

const usually = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...others) });

const template = fc.record({
  kind: usually(27235, 27236, 22242, 1),
  offset: fc.oneof(fc.constantFrom(0, -60, 60), usually(0, -61, 61, -1_000_000_000, 2 ** 40)),
  tags: fc
    .record({
      u: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...RIGHT_URLS) },
        { weight: 2, arbitrary: fc.constantFrom(...WRONG_URLS) },
      ),
      method: usually("POST", "post", "GET", " POST", ""),
      payload: usually(BODY, BODY.toUpperCase(), "", "cd".repeat(32)),
      drop: usually("none", "u", "method", "payload"),
      isReversed: fc.boolean(),
      more: fc.oneof(
        { weight: 5, arbitrary: fc.constant<string[][]>([]) },
        { weight: 1, arbitrary: fc.constantFrom<string[][]>([["u", RELAY]], [["method", "GET"]], [["payload"]], [[]]) },
      ),
      isFirst: fc.boolean(),
    })
    .map(({ u, method, payload, drop, isReversed, more, isFirst }): string[][] => {
      const named = [
        ["u", u],
        ["method", method],
        ["payload", payload],
      ].filter(([name]) => name !== drop);
      const own = isReversed ? named.reverse() : named;
      return isFirst ? [...more, ...own] : [...own, ...more];
    }),
  content: oddText.map((text) => text.toWellFormed()),
});

const SIGNED = new Map<string, Event>();

function eventOf(template: Input["template"]): Event {
  const { offset, ...others } = template;
  const text = JSON.stringify(template);
  const known = SIGNED.get(text) ?? signed(alice, { ...others, created_at: NOW + offset });
  SIGNED.set(text, known);
  return known;
}

const input: fc.Arbitrary<Input> = fc
  .record({
    template,
    isUrlAlphabet: fc.boolean(),
    padding: fc.nat({ max: 2 }),
    before: usually("Nostr ", "nostr ", "NOSTR  ", "Nostr", "Nostr\t", " Nostr ", "Bearer ", ""),
    after: usually("", " ", "=", "===", "\n", ", Nostr x", "\u0000"),
    damage: fc.nat({ max: 9 }),
  })
  .chain(({ damage, ...others }) => {
    const event = eventOf(others.template);
    const members = Object.entries(event).map(([name, value]): [string, string] => [name, JSON.stringify(value)]);
    const forged = members.map(([name, text]): [string, string] => [
      name,
      name === "pubkey" ? JSON.stringify(bob.pubkey) : text,
    ]);
    const none = fc.constant(undefined);
    const json =
      damage === 0
        ? alike(members)
        : damage === 1
          ? alike(forged)
          : damage === 2
            ? damaged(fc.constant(JSON.stringify(event)))
            : none;
    const header =
      damage === 3 ? fc.oneof(damaged(fc.constant(headerOf(JSON.stringify(event), others))), oddText) : none;
    return fc.record({ json, header }).map((texts) => ({ ...others, ...texts }));
  });

type Spelling = Pick<Input, "isUrlAlphabet" | "padding" | "before" | "after">;

function headerOf(json: string, { isUrlAlphabet, padding, before, after }: Spelling): string {
  const whole = btoa(String.fromCharCode(...new TextEncoder().encode(json)));
  const bare = whole.replaceAll("=", "");
  const padded = padding === 0 ? bare : padding === 1 ? whole : `${bare}=`;
  return before + (isUrlAlphabet ? padded.replaceAll("+", "-").replaceAll("/", "_") : padded) + after;
}

const crypto = createCrypto(wasm);
const URLS = ["wss://elsewhere.example/", RELAY];

/** The relay's own way, from header to verdict. */
function isAccepted(header: string): boolean {
  const parsed = parseHttpAuth(header);
  const refusal = parsed.ok
    ? checkHttpAuth(parsed.value, { method: "POST", urls: URLS, bodyHash: BODY, now: NOW })
    : parsed.reason;
  if (refusal !== undefined) {
    expect(refusal).toMatch(/^(invalid|auth-required): ./);
    return false;
  }
  return parsed.ok && VerifiedEvent.check(parsed.value, crypto).ok;
}

/** R-05-68: undefined if the header holds no JSON. */
function naiveJson(header: string): unknown {
  const scheme = header.slice(0, 6).toLowerCase();
  if (scheme !== "nostr ") return undefined;
  const text = header.slice(6).trim().replace(/=+$/, "");
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const values = [...text].map((character) => {
    if (character === "+" || character === "-") return 62;
    return character === "/" || character === "_" ? 63 : digits.indexOf(character);
  });
  if (values.includes(-1)) return undefined;
  const bits = values.map((value) => value.toString(2).padStart(6, "0")).join("");
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)));
  } catch {
    return undefined;
  }
}

/** R-05-69, R-05-70. */
function isRight(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { id, pubkey, created_at, kind, tags, sig } = value as Event;
  if (kind !== 27235 || Math.abs(created_at - NOW) > 60) return false;
  const first = (name: string) => tags.find((tag) => tag[0] === name)?.[1];
  if (first("method") !== "POST" || first("payload") !== BODY || !RIGHT_URLS.includes(first("u") ?? "")) return false;
  return getEventHash(value as Event) === id && schnorr.verify(sig, id, pubkey);
}

function isRightOrThrows(value: unknown): boolean {
  try {
    return isRight(value);
  } catch {
    // No event at all.
    return false;
  }
}

const CLEAN_SCHEMES = ["Nostr ", "nostr "];

function holds({ template, json, header: other, ...spelling }: Input): void {
  const text = json ?? JSON.stringify(eventOf(template));
  const header = other ?? headerOf(text, spelling);
  const wanted = isRightOrThrows(naiveJson(header));
  const actual = isAccepted(header);
  if (actual) expect(wanted, "accepted").toBe(true);
  const isClean =
    other === undefined && json === undefined && CLEAN_SCHEMES.includes(spelling.before) && spelling.after === "";
  if (isClean && spelling.padding < 2) expect(actual, "refused").toBe(wanted);
}

fuzz("R-05-68 R-05-69 R-05-70 a header is accepted only if every condition holds", input, holds);
