/// <reference path="./ws.d.ts" />
import type { Socket as NetSocket } from "node:net";
import { Receiver } from "ws";
import { COST, STEP } from "../../protocol/work.ts";
import { FairQueue, type Queued } from "../../relay/fair-queue.ts";

/** What arrives on one socket. */
export interface Arrivals {
  text(text: string): void;
  binary(bytes: number): void;
  /** A ping that is to be answered with the same data. */
  ping(data: Buffer): void;
  /** The client has sent a Close, its last frame; 1005 if it was one without a code. */
  concluded(code: number): void;
  /** What came is no WebSocket, or too large: the code to close with. Nothing more arrives. */
  violated(code: number, reason: string): void;
}

/** Work of a turn for what sockets send, in units, of which one socket has so much at a time. 2 KiB cost as much as a frame. */
const OF_ALL = STEP / 2;
const OF_ONE = 32 * COST.frame;
const BYTE = COST.frame / 2048;

/** Work of a turn up to which what arrives is looked at as it arrives. */
const AT_ONCE = STEP;

/** Bytes that are looked at in one go, so that not many frames come at once where they are small. */
const PIECE = 512;

/** Frames of one message at most. */
const MAX_FRAGMENTS = 1024;

/** What the errors of ws mean to the client (RFC 6455, 7.4.1); all others are violations of the protocol. */
const CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
};

/**
 * Gives each socket its share of the turns of the loop. What exceeds it waits, and who has sent least is heard first: how much a
 * turn takes does not grow with how many send, and whoever sends little does not wait for them (R-01-10).
 */
export class IntakeTurns {
  readonly #queue = new FairQueue<Intake>();
  #isArmed = false;
  /** In this turn, in units. */
  #taken = 0;

  take(units: number): void {
    this.#taken += units;
    this.#arm();
  }

  /** Calls `intake.next` in one of the next turns. */
  enter(intake: Intake): void {
    this.#queue.add(intake);
    this.#arm();
  }

  /** Something has arrived: calls `next` of whoever is next, now if there is room in this turn. */
  arrived(intake: Intake): void {
    this.enter(intake);
    if (this.#taken < AT_ONCE) this.#queue.next()?.next();
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => {
      this.#isArmed = false;
      this.#taken = 0;
      while (this.#queue.size > 0 && this.#taken < OF_ALL) this.#queue.next()?.next();
      if (this.#queue.size > 0) this.#arm();
    });
  }
}

/**
 * Reads one socket. ws knows the protocol; what it is given is measured out here, since it hands over all that 64 KiB contain
 * at once, thousands of frames if they are empty, and does not stop when the socket is paused.
 */
export class Intake implements Queued {
  readonly #socket: NetSocket;
  readonly #receiver: Receiver;
  readonly #turns: IntakeTurns;
  /** Read, and not looked at. */
  #rest: Buffer | undefined;
  /** What it has sent, in units. */
  virtualTime = 0;
  isQueued = false;
  #isPaused = false;
  /** Nothing more is looked at. */
  #isOver = false;

  constructor(socket: NetSocket, turns: IntakeTurns, maxPayload: number, arrivals: Arrivals) {
    this.#socket = socket;
    this.#turns = turns;
    const limits = { maxPayload, maxFragments: MAX_FRAGMENTS };
    this.#receiver = new Receiver({ isServer: true, allowSynchronousEvents: true, ...limits });
    this.#receiver.on("message", (data, isBinary) => {
      this.#count(COST.frame);
      if (isBinary) arrivals.binary(data.length);
      else arrivals.text(data.toString());
    });
    this.#receiver.on("ping", (data) => {
      this.#count(COST.frame);
      arrivals.ping(data);
    });
    this.#receiver.on("pong", () => this.#count(COST.frame));
    this.#receiver.on("conclude", (code) => {
      this.end();
      arrivals.concluded(code);
    });
    this.#receiver.on("error", ({ code = "", message }) => {
      this.end();
      arrivals.violated(CODES[code] ?? 1002, message);
    });
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  /** What came with the request that opened the connection. */
  start(head: Buffer): void {
    if (head.length > 0) this.#take(head);
  }

  /** Looks at nothing more, and reads on only to see the end of the connection. */
  end(): void {
    this.#isOver = true;
    this.#isPaused = false;
    this.#rest = undefined;
    this.#socket.resume();
  }

  pause(): void {
    if (this.#isOver) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wait();
  }

  get nextWork(): number {
    return Math.min((this.#rest?.length ?? 0) * BYTE, OF_ONE);
  }

  /** It is this one's turn. */
  next(): void {
    if (this.#isPaused) return;
    if (this.#rest !== undefined) this.#look(this.#rest);
    if (!this.isQueued && !this.#isPaused) this.#socket.resume();
  }

  #take(chunk: Buffer): void {
    if (this.#isOver) {
      this.#count(chunk.length * BYTE);
      return this.#wait();
    }
    this.#rest = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    if (this.isQueued || this.#isPaused) return;
    this.#turns.arrived(this);
    if (this.isQueued) this.#socket.pause();
  }

  #look(chunk: Buffer): void {
    this.#rest = undefined;
    const end = this.virtualTime + OF_ONE;
    let at = 0;
    let size = PIECE;
    while (at < chunk.length && !this.#isOver && !this.#isPaused && this.virtualTime < end) {
      const before = this.virtualTime;
      const piece = chunk.subarray(at, at + size);
      at += piece.length;
      this.#receiver.write(piece);
      // Larger pieces of what is one large message.
      size = this.virtualTime === before ? 2 * size : PIECE;
      this.#count(piece.length * BYTE);
    }
    if (this.#isOver || at === chunk.length) return;
    this.#rest = chunk.subarray(at);
    this.#wait();
  }

  #count(units: number): void {
    this.virtualTime += units;
    this.#turns.take(units);
  }

  #wait(): void {
    this.#socket.pause();
    if (!this.isQueued && !this.#isPaused) this.#turns.enter(this);
  }
}
