import type { Socket as NetSocket } from "node:net";
import type { Socket } from "../../relay/ports.ts";
import { closeFrame, encodeFrames, eventFrame, type Frame, pongFrame } from "./frame.ts";
import type { Outbox, Outlet } from "./outbox.ts";

/** Queued bytes of one socket from which stored answers wait for it. */
const CROWDED = 1 << 20;

/** Queued bytes from which one has to go: of a client, of a client where all together have too much, and of a stranger. */
const OVERFLOWING = { most: 32 << 20, tight: 4 << 20, stranger: 512 << 10 };

/** Queued bytes of all sockets from which memory is tight. */
const TIGHT = 128 << 20;

/** How long a client may take none of what waits for it, in milliseconds. */
const STUCK_MS = 60_000;

/** Bytes that the network is given ahead of what the client takes: the rest can still be dropped. */
const AHEAD = 1 << 20;

/** How long a client may stay after a Close, in milliseconds: who has been slow has much to read before it. */
const LINGER_MS = 30_000;

/** What all sockets have in common. */
export interface Shared {
  readonly outbox: Outbox;
  /** Bytes that the network has of all and their clients have not. */
  unsent: number;
}

/** The socket of one client: what is sent goes straight to the network, all frames of a turn in one piece. */
export class ClientSocket implements Socket, Outlet {
  readonly #net: NetSocket;
  readonly #shared: Shared;
  /** In this turn. */
  #queued: Frame[] = [];
  /** May leave, and how many characters. */
  #released: Frame[] = [];
  released = 0;
  /** Characters that have not been given to the network. */
  #waiting = 0;
  /** Bytes that the network has and the client has not. */
  #unsent = 0;
  #isClosing = false;
  #hasEnded = false;
  /** Nobody has logged in on it. */
  isStranger: () => boolean = () => true;
  /** What reads it. */
  intake: { pause(): void; resume(): void } | undefined;

  constructor(net: NetSocket, shared: Shared) {
    this.#net = net;
    this.#shared = shared;
    net.on("drain", () => {
      this.#net.setTimeout(0);
      this.flush();
    });
    net.on("timeout", () => net.destroy());
    net.on("close", () => {
      this.#hasEnded = true;
      this.#queued = [];
      this.#released = [];
      this.released = 0;
      this.#waiting = 0;
      this.#note();
    });
  }

  send(text: string): void {
    if (!this.#isClosing) this.#queue(text);
  }

  sendEvent(prefix: string, raw: string): void {
    if (!this.#isClosing) this.#queue(eventFrame(prefix, raw));
  }

  pong(data: Buffer): void {
    if (!this.#isClosing) this.#queue(pongFrame(data));
  }

  close(code: number, reason: string): void {
    if (this.#isClosing) return;
    if (this.isOverflowing) this.#drop();
    this.#queue(closeFrame(code, reason));
    this.#leaveSoon();
    // Its Close has to be seen.
    this.intake?.resume();
  }

  /** Answers a Close, or a violation of the protocol, and ends the connection behind what is queued. */
  end(code: number, reason = ""): void {
    if (!this.#isClosing) this.#queue(closeFrame(code, reason));
    this.#leaveSoon();
    this.#queue(END);
  }

  /** Ends the connection behind what is queued, without a Close. */
  finish(): void {
    this.#leaveSoon();
    this.#queue(END);
  }

  /** Sends a Close at once, and nothing else any more. */
  abort(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#net.end(closeFrame(code, reason));
  }

  get isCrowded(): boolean {
    return this.#outstanding > CROWDED;
  }

  get isOverflowing(): boolean {
    const { most, tight, stranger } = OVERFLOWING;
    const bytes = this.#outstanding;
    if (bytes <= stranger) return false;
    return bytes > (this.isStranger() ? stranger : this.#shared.unsent > TIGHT ? tight : most);
  }

  /** The host sees what is queued. */
  heard(): void {}

  pause(): boolean {
    if (!this.#isClosing) this.intake?.pause();
    return true;
  }

  resume(): void {
    this.intake?.resume();
  }

  takeQueued(): Frame[] {
    const queued = this.#queued;
    this.#queued = [];
    return queued;
  }

  release(frames: readonly Frame[]): void {
    if (this.#hasEnded) return;
    this.#released = this.#released.length === 0 ? (frames as Frame[]) : [...this.#released, ...frames];
    this.released += lengthOf(frames);
  }

  flush(): void {
    if (this.#hasEnded) return;
    this.#note();
    if (this.#net.writableLength > AHEAD) return;
    const isLast = this.#released.includes(END);
    const frames = isLast ? this.#released.filter((frame) => frame !== END) : this.#released;
    this.#released = [];
    this.#waiting -= this.released;
    this.released = 0;
    const hasLeft = frames.length === 0 || this.#net.write(encodeFrames(frames));
    if (!hasLeft) this.#net.setTimeout(STUCK_MS);
    if (isLast) {
      this.#hasEnded = true;
      this.#net.end();
    }
    this.#note();
  }

  get #outstanding(): number {
    return this.#waiting + this.#net.writableLength;
  }

  #queue(frame: Frame): void {
    if (this.#hasEnded) return;
    if (this.#queued.length === 0) this.#shared.outbox.add(this);
    this.#queued.push(frame);
    this.#waiting += frame.length;
  }

  /** What may leave and has not been given to the network does not leave. */
  #drop(): void {
    this.#waiting -= this.released;
    this.released = 0;
    this.#released = [];
  }

  /** The client has some time to go. */
  #leaveSoon(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const timer = setTimeout(() => this.#net.destroy(), LINGER_MS).unref();
    this.#net.on("close", () => clearTimeout(timer));
  }

  #note(): void {
    const unsent = this.#net.destroyed ? 0 : this.released + this.#net.writableLength;
    this.#shared.unsent += unsent - this.#unsent;
    this.#unsent = unsent;
  }
}

/** Marks the end of the connection behind the frames that are queued. */
const END = Buffer.alloc(0);

function lengthOf(frames: readonly Frame[]): number {
  return frames.reduce((total, { length }) => total + length, 0);
}
