import { isLoopback, networkOf } from "../protocol/ip-address.ts";
import { encode, type RelayMessage } from "../protocol/message.ts";
import { isHex64 } from "../protocol/text.ts";
import type { Reader } from "../protocol/visibility.ts";
import { Outbound } from "./outbound.ts";
import type { Socket } from "./ports.ts";
import type { Subscription } from "./read/subscription.ts";

/** Keys that one connection may authenticate (R-05-56). */
export const MAX_AUTHED_KEYS = 16;

/** A subscription whose row is not written yet; without filters when they are too large for the attachment. */
export type Unwritten = [subId: string, filters: unknown[] | null];

/**
 * What survives hibernation with the socket (R-06-11). The names of the first five members are part of the protocol.
 */
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

/** Where a connection comes from. */
export interface Origin {
  /** Normalized. */
  readonly address: string;
  /** What is counted as one client. */
  readonly network: string;
  readonly isLoopback: boolean;
}

export function originOf(address: string): Origin {
  return { address, network: networkOf(address), isLoopback: isLoopback(address) };
}

/** Attachments stay below this many bytes of JSON; the platform's limit of 16,384 is never near. */
const MAX_ATTACHMENT = 2000;

const TOO_SLOW = "error: too slow to receive what was asked for";
const TOO_MANY = "auth-required: too many messages without a login";

/** One client: its socket, challenge, authed keys and subscriptions. */
export class Connection implements Reader {
  readonly id: string;
  readonly challenge: string;
  readonly privateKinds: ReadonlySet<number>;
  readonly authed: Set<string>;
  readonly subscriptions = new Map<string, Subscription>();
  /** Undefined where the platform does not say. */
  readonly origin: Origin | undefined;
  openedSeconds: number;
  readonly outbound: Outbound;
  /** Until when frames that come before AUTH are parked, in Unix milliseconds. Not kept: by then it is over. */
  graceUntilMs = 0;
  /** Its last frame came after a silence: it goes first (R-01-10). */
  isLight = false;
  /** The relay has closed it: nothing that still arrives is served. */
  isClosed = false;
  /** Something has come from it, as far as is known: an eviction forgets it of who has not logged in. */
  hasSpoken: boolean;
  /** Called once, when the relay closes it: the client may take its time to go, or stay. */
  onDismissed: () => void = () => {};
  /** What the filters of its subscriptions take in memory; see `countValues`. */
  filterValues = 0;
  failedAuths: number;
  failedSince: number;
  readonly #socket: Socket;

  constructor(socket: Socket, attachment: Attachment, privateKinds: ReadonlySet<number>, origin: Origin | undefined) {
    this.#socket = socket;
    this.outbound = new Outbound(() => socket.pingedMs());
    this.id = attachment.conn_id;
    this.challenge = attachment.challenge;
    this.authed = new Set(attachment.pubkeys);
    this.hasSpoken = this.isAuthenticated;
    this.failedAuths = attachment.failed_auths;
    this.failedSince = attachment.failed_since;
    this.openedSeconds = attachment.opened;
    this.privateKinds = privateKinds;
    this.origin = origin;
  }

  get isAuthenticated(): boolean {
    return this.authed.size > 0;
  }

  /** Sends a frame. A dead socket is not the business of whoever sends: it is closed and cleaned up by itself (R-06-22). */
  sendText(frame: string): void {
    this.outbound.add(frame.length);
    try {
      this.#socket.send(frame);
    } catch {
      // The close event of the socket follows.
    }
  }

  send(message: RelayMessage): void {
    this.sendText(encode(message));
  }

  /** Closes for a reason of the relay's, after a NOTICE (R-01-07, R-01-08). */
  close(code: number, text: string): void {
    this.dismiss(text);
    this.hangUp(code, text);
  }

  /** Closes it because it does not read what it is sent (R-01-10). */
  cutOff(): void {
    this.close(1008, this.outbound.isStranger ? TOO_MANY : TOO_SLOW);
  }

  /** Says why, and serves nothing more; the socket stays open until it is hung up. */
  dismiss(text: string): void {
    if (this.isClosed) return;
    this.send(["NOTICE", text]);
    this.isClosed = true;
    this.onDismissed();
  }

  hangUp(code: number, text: string): void {
    try {
      this.#socket.close(code, text.slice(0, 100));
    } catch {
      // Already closed.
    }
  }

  /**
   * Writes the attachment anew. Small filters of unwritten subscriptions travel in it, large ones are named only.
   * Returns false, and writes nothing, if there is no room even for the names: then the rows must be written now.
   */
  save(): boolean {
    const attachment: Attachment = {
      conn_id: this.id,
      pubkey: [...this.authed][0] ?? null,
      challenge: this.challenge,
      authenticated: this.isAuthenticated,
      pubkeys: [...this.authed],
      unwritten: [],
      failed_auths: this.failedAuths,
      failed_since: this.failedSince,
      opened: this.openedSeconds,
    };
    let room = MAX_ATTACHMENT - sizeOf(attachment);
    for (const subscription of this.subscriptions.values()) {
      if (subscription.isWritten) continue;
      const { id, source, sizes } = subscription;
      const fits = sizes.whole <= room;
      room -= fits ? sizes.whole : sizes.named;
      if (room < 0) return false;
      attachment.unwritten.push([id, fits ? source : null]);
    }
    this.#socket.attach(attachment);
    return true;
  }
}

/** Bytes of a value as JSON, and the comma after it; more rather than less. */
export function sizeOf(value: unknown): number {
  const json = JSON.stringify(value);
  // As UTF-8 a unit takes three bytes at most.
  return (ASCII.test(json) ? json.length : 3 * json.length) + 1;
}

const ASCII = /^[ -~]*$/;

/** A fresh attachment with an id and a challenge of 128 random bits each (R-05-52). */
export function newAttachment(nowSeconds: number): Attachment {
  return {
    conn_id: randomHex(),
    pubkey: null,
    challenge: randomHex(),
    authenticated: false,
    pubkeys: [],
    unwritten: [],
    failed_auths: 0,
    failed_since: 0,
    opened: nowSeconds,
  };
}

function randomHex(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Reads an attachment like any other input; undefined if it is not one (R-06-13). */
export function parseAttachment(value: unknown): Attachment | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { conn_id, challenge, pubkeys, unwritten, failed_auths, failed_since, opened } = value as Record<
    string,
    unknown
  >;
  if (typeof conn_id !== "string" || !/^[0-9a-f]{32}$/.test(conn_id)) return undefined;
  if (typeof challenge !== "string" || challenge.length < 22) return undefined;
  if (!Array.isArray(pubkeys) || pubkeys.length > MAX_AUTHED_KEYS || !pubkeys.every(isHex64)) return undefined;
  if (!Array.isArray(unwritten) || !unwritten.every(isUnwritten)) return undefined;
  if (!Number.isInteger(failed_auths) || !Number.isInteger(failed_since) || !Number.isInteger(opened)) return undefined;
  return {
    conn_id,
    pubkey: pubkeys[0] ?? null,
    challenge,
    authenticated: pubkeys.length > 0,
    pubkeys,
    unwritten,
    failed_auths: failed_auths as number,
    failed_since: failed_since as number,
    opened: opened as number,
  };
}

function isUnwritten(entry: unknown): entry is Unwritten {
  return Array.isArray(entry) && typeof entry[0] === "string" && (entry[1] === null || Array.isArray(entry[1]));
}
