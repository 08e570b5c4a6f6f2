import type { Socket } from "../../../src/relay/ports.ts";

/** Who hears of what goes through a socket. */
export interface Line {
  sent(socket: SimulatedSocket, text: string): void;
  closed(socket: SimulatedSocket, code: number, reason: string): void;
}

/** The relay's end of one connection. */
export class SimulatedSocket implements Socket {
  readonly #line: Line;
  readonly #canPause: boolean;
  isCrowded = false;
  isOverflowing = false;
  isPaused = false;
  /** Closed by the relay, or gone: nothing arrives any more. */
  isEnded = false;

  constructor(line: Line, canPause: boolean) {
    this.#line = line;
    this.#canPause = canPause;
  }

  send(text: string): void {
    this.#line.sent(this, text);
  }

  sendEvent(prefix: string, raw: string): void {
    this.send(`${prefix}${raw}]`);
  }

  close(code: number, reason: string): void {
    this.#line.closed(this, code, reason);
    this.isEnded = true;
  }

  heard(): void {}

  pause(): boolean {
    if (!this.#canPause) return false;
    this.isPaused = true;
    return true;
  }

  resume(): void {
    this.isPaused = false;
  }
}
