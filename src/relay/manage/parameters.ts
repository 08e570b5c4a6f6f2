import { MAX_KIND } from "../../protocol/event.ts";
import { normalizeNetwork } from "../../protocol/ip-address.ts";
import { accept, type Result, refuse } from "../../protocol/reason.ts";
import { exceedsCharacters, isHex64 } from "../../protocol/text.ts";
import type { Parameter } from "./method.ts";

/** Characters of a reason at most. */
const MAX_REASON = 500;

/** The parameter may be left out; null and the empty string, which some clients send instead, count as left out. */
export function optional<T>(parse: Parameter<T>): Parameter<T | undefined> {
  return (value) => (value === undefined || value === null || value === "" ? accept(undefined) : parse(value));
}

/** A string of up to `max` characters, also an empty one. */
export function text(what: string, max: number): Parameter<string> {
  return (value) => {
    if (typeof value !== "string" || !value.isWellFormed()) return refuse(`invalid: ${what} must be a string`);
    if (exceedsCharacters(value, max)) return refuse(`invalid: ${what} is longer than ${max} characters`);
    return accept(value);
  };
}

/** A whole number from `min` to `max`. */
export function integer(what: string, min: number, max: number): Parameter<number> {
  return (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? accept((value as number) + 0)
      : refuse(`invalid: ${what} must be a whole number from ${min} to ${max}`);
}

export const publicKey: Parameter<string> = (value) => hex64("the public key", value);
export const eventId: Parameter<string> = (value) => hex64("the event id", value);
export const kind = integer("the kind", 0, MAX_KIND);

/** Why something is done, for the lists and the audit list; empty if left out. */
export const reason: Parameter<string> = (value) => text("the reason", MAX_REASON)(value ?? "");

/** A literal IP address, or an IPv6 network, in its one form. */
export const ip: Parameter<string> = (value) => {
  const normalized = typeof value === "string" ? normalizeNetwork(value) : undefined;
  return normalized === undefined
    ? refuse("invalid: the address must be a literal IPv4 or IPv6 address, or an IPv6 prefix like 2001:db8::/48")
    : accept(normalized);
};

function hex64(what: string, value: unknown): Result<string> {
  return isHex64(value) ? accept(value) : refuse(`invalid: ${what} must be 64 lowercase hex digits`);
}
