import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export const [TEXT, BINARY, CLOSE, PING, PONG] = [1, 2, 8, 9, 10];

export interface RawFrame {
  opcode: number;
  data: Buffer;
}

/** A client that sends what no library would. */
export class RawClient {
  readonly socket: Socket;
  readonly frames: RawFrame[] = [];
  hasEnded = false;
  #bytes = Buffer.alloc(0);
  #isOpen = false;

  private constructor(port: number, allowHalfOpen: boolean) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.hasEnded = true;
    });
    this.socket.on("data", (chunk) => this.#read(chunk));
  }

  /** Connects; `head` is sent in one piece with the request. `staysOpen`: it does not go because the other side has. */
  static async open(port: number, head: Buffer = Buffer.alloc(0), staysOpen = false): Promise<RawClient> {
    const client = new RawClient(port, staysOpen);
    await once(client.socket, "connect");
    const request = [
      ...["GET / HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
    ];
    client.socket.write(Buffer.concat([Buffer.from(request.join("\r\n")), head]));
    await client.until(() => client.#isOpen);
    return client;
  }

  texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === TEXT).map(({ data }) => data.toString());
  }

  /** Code of the Close that has come. */
  get closed(): number | undefined {
    const close = this.frames.find(({ opcode }) => opcode === CLOSE);
    return close === undefined ? undefined : close.data.length === 0 ? 1005 : close.data.readUInt16BE(0);
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  async until(isTrue: () => boolean, timeoutMs = 4000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!isTrue()) {
      if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs} ms: ${isTrue}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#isOpen) {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#isOpen = true;
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 2) return;
      const short = (bytes[1] as number) & 127;
      const start = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (bytes.length < start) return;
      const length = short === 127 ? bytes.readUInt32BE(6) : short === 126 ? bytes.readUInt16BE(2) : short;
      if (bytes.length < start + length) return;
      this.frames.push({ opcode: (bytes[0] as number) & 15, data: bytes.subarray(start, start + length) });
      this.#bytes = bytes.subarray(start + length);
    }
  }
}

/** A frame of a client. */
export function frame(opcode: number, payload: string | Buffer = "", { isLast = true, isMasked = true } = {}): Buffer {
  const data = Buffer.from(payload);
  const mask = isMasked ? randomBytes(4) : Buffer.alloc(0);
  const masked = Buffer.from(data);
  if (isMasked) for (let i = 0; i < masked.length; i++) masked[i] = (masked[i] as number) ^ (mask[i & 3] as number);
  const bit = isMasked ? 128 : 0;
  const head = Buffer.alloc(data.length < 126 ? 2 : data.length < 65_536 ? 4 : 10);
  head[0] = (isLast ? 128 : 0) | opcode;
  if (head.length === 2) head[1] = bit | data.length;
  else if (head.length === 4) {
    head[1] = bit | 126;
    head.writeUInt16BE(data.length, 2);
  } else {
    head[1] = bit | 127;
    head.writeUInt32BE(data.length, 6);
  }
  return Buffer.concat([head, mask, masked]);
}
