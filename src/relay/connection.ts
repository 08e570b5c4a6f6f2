import { isLoopback, networkOf } from "../protocol/ip-address.ts";
import { encode, type RelayMessage } from "../protocol/message.ts";
import type { Reader } from "../protocol/visibility.ts";
import { STEP } from "../protocol/work.ts";
import { guessWork } from "./guess.ts";
import { Inbox } from "./inbox.ts";
import type { Socket } from "./ports.ts";
import type { Subscription } from "./read/subscription.ts";
import type { Served } from "./scheduler.ts";
import type { Task } from "./task.ts";

/** Keys that one connection may authenticate (R-05-56). */
export const MAX_AUTHED_KEYS = 16;

/** What is sent to one that has to log in and has not, in characters, and what a frame counts as at least. */
const MAX_BEFORE_LOGIN = 512 * 1024;
const MIN_FRAME = 1024;

/** Where a connection comes from. */
export interface Origin {
  /** Normalized. */
  readonly ip: string;
  /** What counts as one client: the IP address, or the first 64 bits of an IPv6 address. */
  readonly network: string;
  readonly isLoopback: boolean;
}

export function originOf(ip: string): Origin {
  return { ip, network: networkOf(ip), isLoopback: isLoopback(ip) };
}

/** What makes a connection the one it is, also after its host has lost its memory. */
export interface Identity {
  /** 32 hex digits. */
  readonly id: string;
  readonly challenge: string;
  readonly pubkeys: readonly string[];
  /** Failed AUTH attempts and joins since `failedSince`, in Unix seconds (R-05-62). */
  readonly failedAuths: number;
  readonly failedSince: number;
  /** When it was accepted, in Unix seconds. */
  readonly openedSeconds: number;
}

/** A fresh identity; `randomHex` gives so many random bytes. Id and challenge have 128 bits each (R-05-52). */
export function newIdentity(nowSeconds: number, randomHex: (bytes: number) => string): Identity {
  const [id, challenge] = [randomHex(16), randomHex(16)];
  return { id, challenge, pubkeys: [], failedAuths: 0, failedSince: 0, openedSeconds: nowSeconds };
}

/** A frame that came before AUTH, and what it is about. */
export interface HeldFrame {
  readonly text: string;
  readonly subject: string | undefined;
  /** Its turn has come. */
  isServed?: boolean;
}

/** One client: its socket, challenge, authed keys, subscriptions, and the frames that wait to be served. */
export class Connection implements Reader, Served {
  readonly id: string;
  readonly challenge: string;
  readonly privateKinds: ReadonlySet<number>;
  readonly authed: Set<string>;
  readonly subscriptions = new Map<string, Subscription>();
  /** Undefined where the platform does not say. */
  readonly origin: Origin | undefined;
  readonly socket: Socket;
  /** Frames that wait. */
  readonly inbox = new Inbox();
  /** The read under way; the inbox waits for its end. */
  task: Task | undefined;
  /** Its place in the order of the scheduler: work done for it, in units. */
  virtualTime = 0;
  /** The scheduler has it in a queue. */
  isQueued = false;
  /** Its socket is not read from until the inbox has room. */
  isPaused = false;
  /** Frames that came before AUTH and wait for it (`AUTH_GRACE_MS`). */
  held: HeldFrame[] = [];
  /** Those of them that were served after the login, for a while. */
  released: HeldFrame[] = [];
  /** Until when frames are held, in Unix milliseconds. */
  graceUntilMs = 0;
  /** Characters that it was sent before its login. */
  sentToStranger = 0;
  /** What the filters of its subscriptions take in memory; see `countValues`. */
  filterValues = 0;
  failedAuths: number;
  failedSince: number;
  openedSeconds: number;
  /** The challenge has been sent, as far as is known: where it is not sent at once, a host that loses its memory repeats it. */
  isChallenged = false;
  /** The relay has closed it: nothing that still arrives is served. */
  isClosed = false;
  /** Its client has gone: what it sent is served as far as it is EVENTs. */
  isGone = false;

  constructor(socket: Socket, identity: Identity, privateKinds: ReadonlySet<number>, origin: Origin | undefined) {
    this.socket = socket;
    this.id = identity.id;
    this.challenge = identity.challenge;
    this.authed = new Set(identity.pubkeys);
    this.failedAuths = identity.failedAuths;
    this.failedSince = identity.failedSince;
    this.openedSeconds = identity.openedSeconds;
    this.privateKinds = privateKinds;
    this.origin = origin;
  }

  /** What its next step may take, in units: a whole one of a read that is under way; else a guess from the next frame's text. */
  get nextWork(): number {
    return this.task === undefined ? guessWork(this.inbox.next ?? "") : STEP;
  }

  /** A read is under way, or frames wait. */
  get hasWork(): boolean {
    return this.task !== undefined || this.inbox.count > 0;
  }

  /** A read is under way, and its socket has no room for what it finds. */
  get isCrowded(): boolean {
    return this.task !== undefined && this.socket.isCrowded;
  }

  get isAuthenticated(): boolean {
    return this.authed.size > 0;
  }

  /** Sends a frame as it is. */
  sendText(frame: string): void {
    if (this.authed.size === 0) this.sentToStranger += Math.max(frame.length, MIN_FRAME);
    this.socket.send(frame);
  }

  /** Sends a message. A stranger that is told to log in is first sent the challenge, if it has not been (R-06-07). */
  send(message: RelayMessage): void {
    if (!this.isChallenged && asksForLogin(message)) this.challengeClient();
    this.sendText(encode(message));
  }

  /** Sends the challenge. */
  challengeClient(): void {
    this.isChallenged = true;
    this.send(["AUTH", this.challenge]);
  }

  /** It has to go: more is queued than it reads, or it has had more answers than a stranger gets (R-01-10). */
  isExcessive(mustLogIn: boolean): boolean {
    return this.socket.isOverflowing || (mustLogIn && this.authed.size === 0 && this.sentToStranger > MAX_BEFORE_LOGIN);
  }

  /** The read under way does not go on. */
  endTask(): void {
    const { task } = this;
    this.task = undefined;
    task?.steps.return();
  }
}

/** Whether a message is a refusal that calls for a login: the reason is its last part. */
function asksForLogin(message: RelayMessage): boolean {
  return message.length > 2 && String(message.at(-1)).startsWith("auth-required:");
}
