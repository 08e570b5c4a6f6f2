import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

// A WebSocket client that does as little as one can: what is measured shares its two cores with the client. It takes whole,
// unfragmented frames, as relays send them, and hands each out without a copy.

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Where every read goes: what is in it has been taken before the next read of any socket. */
const READ_BUFFER = Buffer.allocUnsafe(1 << 18);

const NOTHING = Buffer.alloc(0);

/** The last digit alone changes something: masking costs the client a quarter of what unmasking costs the server. */
const MASK = [0, 0, 0, 0x5a] as const;

/** The bytes of one masked frame. */
export function frameBytes(
  opcode: number,
  payload: string | Uint8Array = "",
  { final = true, mask = true }: { final?: boolean; mask?: boolean } = {},
): Buffer {
  const size = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
  const head = size < 126 ? 2 : size < 65_536 ? 4 : 10;
  const start = head + (mask ? MASK.length : 0);
  const frame = Buffer.allocUnsafe(start + size);
  const maskBit = mask ? 0x80 : 0;
  frame[0] = (final ? 0x80 : 0) | opcode;
  if (head === 2) frame[1] = maskBit | size;
  else if (head === 4) {
    frame[1] = maskBit | 126;
    frame.writeUInt16BE(size, 2);
  } else {
    frame[1] = maskBit | 127;
    frame.writeUIntBE(0, 2, 4);
    frame.writeUInt32BE(size, 6);
  }
  if (typeof payload === "string") frame.write(payload, start, "utf8");
  else frame.set(payload, start);
  if (mask) {
    frame.set(MASK, head);
    for (let i = start + 3; i < frame.length; i += 4) frame[i] = (frame[i] as number) ^ MASK[3];
  }
  return frame;
}

export interface ConnectOptions {
  /** The client's own address, such as 127.0.0.2. */
  localAddress?: string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
}

/** One connection. Pings are answered, and a Close ends it. */
export class RawSocket {
  /** Gets the payload of each text frame; the bytes are good until it returns. */
  onText: (payload: Buffer) => void = () => {};
  /** Gets the code of the Close, or 1006 without one. */
  onClose: (code: number) => void = () => {};
  readonly tcp: Socket;
  isOpen = true;
  #kept: Buffer | undefined;
  #code = 1006;

  /** Connects; rejects if the server does not take the upgrade. `ws://` only. */
  static open(url: string, { localAddress, headers = {} }: ConnectOptions = {}): Promise<RawSocket> {
    return new Promise((resolve, reject) => {
      const { hostname, port, host, pathname } = new URL(url);
      let socket: RawSocket | undefined;
      let head = "";
      const take = (length: number): boolean => {
        const bytes = READ_BUFFER.subarray(0, length);
        if (socket !== undefined) socket.#take(bytes);
        else {
          head += bytes.toString("latin1");
          const end = head.indexOf("\r\n\r\n");
          if (end < 0) return true;
          if (!head.startsWith("HTTP/1.1 101")) {
            tcp.destroy();
            reject(new Error(`The relay refused a connection: ${head.split("\r\n")[0]}`));
            return true;
          }
          socket = new RawSocket(tcp);
          socket.#kept = Buffer.from(head.slice(end + 4), "latin1");
          resolve(socket);
          // Who awaits this sets its handlers first.
          const opened = socket;
          setImmediate(() => opened.#take(NOTHING));
        }
        return true;
      };
      const tcp = connect({
        host: hostname === "localhost" ? "127.0.0.1" : hostname,
        port: Number(port),
        noDelay: true,
        ...(localAddress === undefined ? {} : { localAddress }),
        onread: { buffer: READ_BUFFER, callback: take },
      });
      tcp.on("error", reject);
      tcp.on("close", () => {
        reject(new Error("The relay ended a connection before it was open."));
        if (socket !== undefined) socket.#ended();
      });
      const own = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      tcp.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n${own.join("")}\r\n`,
      );
    });
  }

  private constructor(tcp: Socket) {
    this.tcp = tcp;
  }

  /** Sends a text frame. */
  send(text: string): void {
    this.write(frameBytes(OPCODE.text, text));
  }

  /** Sends bytes as they are; false if they have to wait for the relay to read. */
  write(bytes: Uint8Array): boolean {
    return this.isOpen && this.tcp.write(bytes);
  }

  /** Ends the connection, without a Close. */
  destroy(): void {
    this.tcp.destroy();
  }

  #take(chunk: Buffer): void {
    let bytes = this.#kept === undefined ? chunk : Buffer.concat([this.#kept, chunk]);
    this.#kept = undefined;
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      if (left < 2) break;
      let size = (bytes[at + 1] as number) & 0x7f;
      let start = at + 2;
      if (size === 126) {
        if (left < 4) break;
        size = bytes.readUInt16BE(at + 2);
        start = at + 4;
      } else if (size === 127) {
        if (left < 10) break;
        size = bytes.readUInt32BE(at + 6);
        start = at + 10;
      }
      if (bytes.length < start + size) break;
      this.#frame((bytes[at] as number) & 0xf, bytes.subarray(start, start + size));
      at = start + size;
    }
    bytes = bytes.subarray(at);
    if (bytes.length > 0) this.#kept = Buffer.from(bytes);
  }

  #frame(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.text) this.onText(payload);
    else if (opcode === OPCODE.ping) this.write(frameBytes(OPCODE.pong, payload));
    else if (opcode === OPCODE.close) {
      this.#code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.tcp.end(frameBytes(OPCODE.close, payload.subarray(0, 2)));
      this.#ended();
    }
  }

  #ended(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.onClose(this.#code);
  }
}
