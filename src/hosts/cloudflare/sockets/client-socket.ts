import type { Origin } from "../../../relay/connection.ts";
import type { Socket } from "../../../relay/ports.ts";
import type { Attachment } from "../attachment.ts";
import { Outbound } from "./outbound.ts";

/** One hibernating WebSocket, as the relay sees it. */
export class ClientSocket implements Socket {
  readonly origin: Origin | undefined;
  /** The relay has closed it. The client may take its time to go, or stay: the runtime cannot make it. */
  isClosed = false;
  /** Something has come from it, as far as is known: an eviction forgets it of who has not logged in. */
  hasSpoken = false;
  readonly #socket: WebSocket;
  readonly #outbound: Outbound;
  readonly #onClosed: (socket: ClientSocket) => void;

  /** `onClosed` is called once, when the relay closes it. */
  constructor(
    socket: WebSocket,
    origin: Origin | undefined,
    pingedMs: () => number,
    onClosed: (socket: ClientSocket) => void,
  ) {
    this.#socket = socket;
    this.origin = origin;
    this.#outbound = new Outbound(pingedMs);
    this.#onClosed = onClosed;
  }

  send(text: string): void {
    this.#outbound.add(text.length);
    try {
      this.#socket.send(text);
    } catch {
      // The close event of the socket follows.
    }
  }

  sendEvent(prefix: string, raw: string): void {
    this.send(eventText(prefix, raw));
  }

  close(code: number, reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#onClosed(this);
    try {
      this.#socket.close(code, reason);
    } catch {
      // Closed already.
    }
  }

  /** Keeps the attachment through hibernation. Throws if the platform does. */
  attach(attachment: Attachment): void {
    this.#socket.serializeAttachment(attachment);
  }

  get isCrowded(): boolean {
    return this.#outbound.isCrowded;
  }

  get isOverflowing(): boolean {
    return this.#outbound.isOverflowing;
  }

  heard(): void {
    this.#outbound.heard();
  }

  pause(): boolean {
    return false;
  }

  resume(): void {}
}

let last = { prefix: "", raw: "", text: "" };

/** The frame of an event; the same string for all subscriptions of one name, which then is made once. */
function eventText(prefix: string, raw: string): string {
  if (last.raw !== raw || last.prefix !== prefix) last = { prefix, raw, text: `${prefix}${raw}]` };
  return last.text;
}
