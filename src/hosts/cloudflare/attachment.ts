import { isHex64 } from "../../protocol/text.ts";
import { type Connection, type Identity, MAX_AUTHED_KEYS } from "../../relay/connection.ts";

/** A subscription whose row is not written yet; without filters when they are too large for the attachment. */
export type Unwritten = [subId: string, filters: readonly unknown[] | null];

/** What survives hibernation with the socket (R-06-11). The names of the first five members are part of the protocol. */
export interface Attachment {
  conn_id: string;
  pubkey: string | null;
  challenge: string;
  authenticated: boolean;
  pubkeys: string[];
  /** Subscriptions still to be written behind (R-06-20). */
  unwritten: Unwritten[];
  /** Failed AUTH attempts and joins since `failed_since`, in Unix seconds (R-05-62). */
  failed_auths: number;
  failed_since: number;
  /** When it was accepted, in Unix seconds. */
  opened: number;
}

/** Attachments stay below this many bytes of JSON; the platform's limit of 16,384 is never near. */
export const MAX_ATTACHMENT = 2000;

/** Bytes of an attachment without its subscriptions, as JSON; more rather than less. */
export function bareSizeOf({ challenge, pubkeys }: Attachment): number {
  return 280 + challenge.length + 67 * pubkeys.length;
}

/** The attachment of a connection, without its subscriptions. */
export function attachmentOf(connection: Connection): Attachment {
  const pubkeys = [...connection.authed];
  return {
    conn_id: connection.id,
    pubkey: pubkeys[0] ?? null,
    challenge: connection.challenge,
    authenticated: pubkeys.length > 0,
    pubkeys,
    unwritten: [],
    failed_auths: connection.failedAuths,
    failed_since: connection.failedSince,
    opened: connection.openedSeconds,
  };
}

/** Reads an attachment like any other input; undefined if it is not one (R-06-13). */
export function parseAttachment(value: unknown): { identity: Identity; unwritten: Unwritten[] } | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { conn_id, challenge, pubkeys, unwritten, ...rest } = value as Record<string, unknown>;
  const { failed_auths: failedAuths, failed_since: failedSince, opened: openedSeconds } = rest;
  if (typeof conn_id !== "string" || !/^[0-9a-f]{32}$/.test(conn_id)) return undefined;
  if (typeof challenge !== "string" || challenge.length < 22) return undefined;
  if (!Array.isArray(pubkeys) || pubkeys.length > MAX_AUTHED_KEYS || !pubkeys.every(isHex64)) return undefined;
  if (!Array.isArray(unwritten) || !unwritten.every(isUnwritten)) return undefined;
  if (!isInteger(failedAuths) || !isInteger(failedSince) || !isInteger(openedSeconds)) return undefined;
  return { identity: { id: conn_id, challenge, pubkeys, failedAuths, failedSince, openedSeconds }, unwritten };
}

/** Bytes of a value as JSON, and the comma after it; more rather than less. */
export function sizeOf(value: unknown): number {
  const json = JSON.stringify(value);
  // As UTF-8 a unit takes three bytes at most.
  return (ASCII.test(json) ? json.length : 3 * json.length) + 1;
}

const ASCII = /^[ -~]*$/;

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}

function isUnwritten(entry: unknown): entry is Unwritten {
  return Array.isArray(entry) && typeof entry[0] === "string" && (entry[1] === null || Array.isArray(entry[1]));
}
