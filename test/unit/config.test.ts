import { npubEncode } from "nostr-tools/nip19";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/relay/config/config.ts";
import { alice, bob } from "../support/keys.ts";

const CURVE_ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const LAST_KEY = CURVE_ORDER.replace(/1$/, "0");

describe("R-06-25 a refusal names the variable and says what it must be", () => {
  const refusals: [variable: string, value: string, message: string][] = [
    ["MAX_LIMIT", "x", 'MAX_LIMIT must be a whole number of events from 1 to 50000, not "x".'],
    ["MAX_LIMIT", "50001", 'MAX_LIMIT must be a whole number of events from 1 to 50000, not "50001".'],
    ["MAX_STORAGE", "1e9", 'MAX_STORAGE must be a whole number of bytes from 1000000 to 10000000000, not "1e9".'],
    ["AUTH_REQUIRED", "TRUE", 'AUTH_REQUIRED must be true or false, not "TRUE".'],
    [
      "ALLOWED_ORIGINS",
      "https://a.example/path",
      'ALLOWED_ORIGINS must be up to 100 origins of pages like https://app.example.com, separated by commas, not "https://a.example/path".',
    ],
    ["READ_ACCESS", "all", 'READ_ACCESS must be open, authenticated, allowed or members, not "all".'],
    [
      "RELAY_URL",
      "https://a.example",
      'RELAY_URL must be a ws:// or wss:// URL without user, query or fragment, not "https://a.example".',
    ],
    ["RELAY_ICON", "icon.png", 'RELAY_ICON must be an http:// or https:// URL, not "icon.png".'],
    ...["javascript:alert(1)", "data:text/html,x", "ask ann", "https://", "mailto:ann", "ann@b.example <ann>"].map(
      (value): [string, string, string] => [
        "RELAY_CONTACT",
        value,
        `RELAY_CONTACT must be a mail address, npub, or URI with mailto:, https:, http:, nostr:, matrix:, xmpp: or tel:, not "${value}".`,
      ],
    ),
    [
      "RELAY_TERMS_OF_SERVICE",
      "javascript:alert(1)",
      'RELAY_TERMS_OF_SERVICE must be an http:// or https:// URL, not "javascript:alert(1)".',
    ],
    ["RELAY_PUBKEY", "npub1", 'RELAY_PUBKEY must be a public key of 64 lowercase hex digits, not "npub1".'],
    [
      "ADMIN_PUBKEYS",
      `${alice.pubkey},x`,
      `ADMIN_PUBKEYS must be up to 100 public keys of 64 lowercase hex digits, separated by commas, not "${alice.pubkey},x".`,
    ],
    [
      "RETENTION",
      "1:\n2",
      'RETENTION must be up to 100 kinds and seconds like 1:2592000 or 20-29:0, separated by commas, not "1:\\n2".',
    ],
  ];
  test.each(refusals)("%s=%j", (name, value, message) => {
    expect(() => parseConfig({ [name]: value })).toThrow(new Error(message));
  });

  test.each([
    ["ann@b.example", "mailto:ann@b.example"],
    ["mailto:ann@b.example?subject=x", "mailto:ann@b.example?subject=x"],
    ["https://social.example/@ann", "https://social.example/@ann"],
    ["matrix:u/ann:b.example", "matrix:u/ann:b.example"],
    [`nostr:${npubEncode(alice.pubkey)}`, `nostr:${npubEncode(alice.pubkey)}`],
    [npubEncode(alice.pubkey), `nostr:${npubEncode(alice.pubkey)}`],
  ])("C-09 the contact %s is the URI %s", (value, uri) => {
    expect(parseConfig({ RELAY_CONTACT: value }).contact).toBe(uri);
  });

  test("all of them at once, in one sentence", () => {
    expect(() => parseConfig({ MIN_POW: "257", ENABLE_HLL: "1" })).toThrow(
      new Error(
        'MIN_POW must be a whole number of bits from 0 to 256, not "257"; ENABLE_HLL must be true or false, not "1".',
      ),
    );
  });

  test("a long value is cut", () => {
    expect(() => parseConfig({ RELAY_NAME: "n".repeat(201) })).toThrow(
      new Error(`RELAY_NAME must be a text of up to 200 characters, not "${"n".repeat(80)}".`),
    );
  });

  test("lists are bounded", () => {
    const keys = Array.from({ length: 101 }, () => bob.pubkey);
    expect(parseConfig({ ADMIN_PUBKEYS: keys.slice(1).join() }).adminPubkeys).toHaveLength(100);
    expect(() => parseConfig({ ADMIN_PUBKEYS: keys.join() })).toThrow(/^ADMIN_PUBKEYS must be up to 100 /);
  });

  test.each(["0".repeat(64), CURVE_ORDER, "f".repeat(64), LAST_KEY.toUpperCase(), "a1b2c3"])(
    "a secret key is not repeated: %s",
    (key) => {
      expect(() => parseConfig({ RELAY_SECRET_KEY: key })).toThrow(
        new Error(
          "RELAY_SECRET_KEY must be a secret key of 64 lowercase hex digits, neither zero nor beyond the order of secp256k1.",
        ),
      );
    },
  );
});

describe("R-06-24 members of the configuration", () => {
  test("have the defaults", () => {
    expect(parseConfig({ RELAY_ICON: "", READ_ACCESS: " " })).toMatchObject({
      name: "Nexus",
      icon: undefined,
      secretKey: undefined,
      adminPubkeys: [],
      readAccess: undefined,
      writeAccess: undefined,
      allowedKinds: new Set(),
      managementEnabled: true,
      membershipEnabled: true,
      eoseHintEnabled: false,
      authTimeout: 30,
      authGraceMs: 500,
      andFiltersEnabled: false,
      maxMessageLength: 1048576,
      createdAtLowerLimit: undefined,
      supportedNips: [1, 9, 11, 40, 42, 45, 50, 62, 70, 77, 86, 89, 90, 98],
      relayUrls: ["wss://nexus.openagents.com"],
      privateKinds: new Set([4, 13, 14, 15, 1059, 21059]),
    });
  });

  test("have what is set", () => {
    const config = parseConfig({
      RELAY_SECRET_KEY: LAST_KEY,
      ADMIN_PUBKEYS: ` ${alice.pubkey} ,, ${bob.pubkey}`,
      WRITE_ACCESS: "members",
      ALLOWED_KINDS: "3,0",
      ENABLE_MEMBERSHIP: "false",
      MAX_LIMIT: 20,
      SUPPORTED_NIPS: "11,1,11",
      RELAY_TERMS_OF_SERVICE: " https://a.example/terms ",
    });
    expect(config).toMatchObject({
      secretKey: LAST_KEY,
      membershipEnabled: false,
      allowedKinds: new Set([0, 3]),
      adminPubkeys: [alice.pubkey, bob.pubkey],
      writeAccess: "members",
      maxLimit: 20,
      defaultLimit: 20,
      supportedNips: [1, 11],
      termsOfService: "https://a.example/terms",
    });
  });
});
