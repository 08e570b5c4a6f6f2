/// <reference path="./ws.d.ts" />
import type { Socket as NetSocket } from "node:net";
import { Receiver } from "ws";

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

/** What a turn takes from one socket, and from all that wait: a frame counts as one, and so do 2 KiB. */
const OF_ONE = 32;
const OF_ALL = 512;
const BYTES = 2048;

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
 * Gives each socket its share of the turns of the loop. A socket that has not had it waits for the next turn, behind those that
 * wait already: how much a turn takes does not grow with how many send more than they are given.
 */
export class IntakeTurns {
  #waiting: Intake[] = [];
  #isArmed = false;
  /** Number of this turn. */
  turn = 0;
  #taken = 0;

  get isSpent(): boolean {
    return this.#taken >= OF_ALL;
  }

  take(amount: number): void {
    this.#taken += amount;
    this.#arm();
  }

  /** Calls `intake.next` in one of the next turns. */
  enter(intake: Intake): void {
    this.#waiting.push(intake);
    this.#arm();
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => {
      this.#isArmed = false;
      this.#taken = 0;
      this.turn++;
      const waiting = this.#waiting;
      this.#waiting = [];
      let served = 0;
      while (served < waiting.length && !this.isSpent) waiting[served++]?.next();
      if (served === waiting.length) return;
      this.#waiting = [...waiting.slice(served), ...this.#waiting];
      this.#arm();
    });
  }
}

/**
 * Reads one socket. ws knows the protocol; what it is given is measured out here, since it hands over all that 64 KiB contain
 * at once, thousands of frames if they are empty, and does not stop when the socket is paused.
 */
export class Intake {
  readonly #socket: NetSocket;
  readonly #receiver: Receiver;
  readonly #turns: IntakeTurns;
  /** Read, and not looked at. */
  #rest: Buffer | undefined;
  #turn = -1;
  /** In this turn. */
  #taken = 0;
  #isWaiting = false;
  #isPaused = false;
  /** Nothing more is looked at. */
  #isOver = false;

  constructor(socket: NetSocket, turns: IntakeTurns, maxPayload: number, arrivals: Arrivals) {
    this.#socket = socket;
    this.#turns = turns;
    const limits = { maxPayload, maxFragments: MAX_FRAGMENTS };
    this.#receiver = new Receiver({ isServer: true, allowSynchronousEvents: true, ...limits });
    this.#receiver.on("message", (data, isBinary) => {
      this.#count(1);
      if (isBinary) arrivals.binary(data.length);
      else arrivals.text(data.toString());
    });
    this.#receiver.on("ping", (data) => {
      this.#count(1);
      arrivals.ping(data);
    });
    this.#receiver.on("pong", () => this.#count(1));
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

  /** It is this one's turn again. */
  next(): void {
    this.#isWaiting = false;
    if (this.#isPaused) return;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#take(rest);
    if (!this.#isWaiting && !this.#isPaused) this.#socket.resume();
  }

  #take(chunk: Buffer): void {
    // One chunk in a turn: the loop would hand over two megabytes of each socket.
    if (this.#isOver) {
      this.#count(chunk.length / BYTES);
      return this.#wait();
    }
    if (this.#rest !== undefined) {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      return;
    }
    let at = 0;
    let size = PIECE;
    while (at < chunk.length && !this.#isOver && !this.#isPaused && this.#hasShare) {
      const before = this.#taken;
      const piece = chunk.subarray(at, at + size);
      at += piece.length;
      this.#receiver.write(piece);
      // Larger pieces of what is one large message.
      size = this.#taken === before ? 2 * size : PIECE;
      this.#count(piece.length / BYTES);
    }
    if (this.#isOver) return;
    if (at < chunk.length) this.#rest = chunk.subarray(at);
    if (at < chunk.length || !this.#hasShare) this.#wait();
  }

  /** Whoever does not wait has a first piece at once. */
  get #hasShare(): boolean {
    if (this.#turn !== this.#turns.turn) return true;
    return this.#taken < OF_ONE && (this.#taken === 0 || !this.#turns.isSpent);
  }

  #count(amount: number): void {
    if (this.#turn !== this.#turns.turn) {
      this.#turn = this.#turns.turn;
      this.#taken = 0;
    }
    this.#taken += amount;
    this.#turns.take(amount);
  }

  #wait(): void {
    this.#socket.pause();
    if (this.#isWaiting || this.#isPaused) return;
    this.#isWaiting = true;
    this.#turns.enter(this);
  }
}
