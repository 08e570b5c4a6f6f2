import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import type { Socket } from "node:net";
import { type Key, signed } from "../keys.ts";

const TEXT = 1;
const CLOSE = 8;
const TIMEOUT_MS = 5000;

/** A client that does not answer a Close frame and goes on sending: no WebSocket library does that. */
export class DeafClient {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  readonly #frames: unknown[][] = [];
  /** Code of the Close frame that came. */
  closeCode: number | undefined;

  private constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    socket.on("data", (data) => this.#take(data));
    socket.on("error", () => {});
    this.#take(head);
  }

  /** Connects to `http://…`, and logs in at the relay `relayUrl` if there is a key. */
  static async open(httpUrl: string, relayUrl: string, by?: Key, headers: object = {}): Promise<DeafClient> {
    const upgrade = request(httpUrl, {
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
        ...headers,
      },
    });
    upgrade.end();
    const [, socket, head] = (await once(upgrade, "upgrade")) as [unknown, Socket, Buffer];
    const client = new DeafClient(socket, head);
    const [, challenge] = await client.next("AUTH");
    if (by === undefined) return client;
    const tags = [
      ["relay", relayUrl],
      ["challenge", String(challenge)],
    ];
    client.send(["AUTH", signed(by, { kind: 22242, tags })]);
    const ok = await client.next("OK");
    if (ok[2] !== true) throw new Error(JSON.stringify(ok));
    return client;
  }

  /** Whether the connection is gone, and not only said to be closed. */
  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  send(message: unknown): void {
    const payload = Buffer.from(JSON.stringify(message));
    const mask = randomBytes(4);
    const length =
      payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
    const masked = payload.map((byte, i) => byte ^ (mask[i % 4] as number));
    this.#socket.write(Buffer.concat([Buffer.from([0x80 | TEXT, ...length]), mask, masked]));
  }

  /** The next frame of that verb; throws when none comes in time. */
  async next(verb: string, timeoutMs = TIMEOUT_MS): Promise<unknown[]> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const at = this.#frames.findIndex((frame) => frame[0] === verb);
      if (at >= 0) return this.#frames.splice(at, 1)[0] as unknown[];
      if (Date.now() > deadline) throw new Error(`no ${verb} within ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(data: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    for (;;) {
      const { length: available } = this.#bytes;
      if (available < 2) return;
      const opcode = (this.#bytes[0] as number) & 0xf;
      let size = (this.#bytes[1] as number) & 0x7f;
      let start = 2;
      if (size === 126) {
        if (available < 4) return;
        size = this.#bytes.readUInt16BE(2);
        start = 4;
      }
      if (size === 127) throw new Error("a frame of more than 64 KiB");
      if (available < start + size) return;
      const payload = this.#bytes.subarray(start, start + size);
      this.#bytes = this.#bytes.subarray(start + size);
      if (opcode === TEXT) this.#frames.push(JSON.parse(payload.toString()) as unknown[]);
      if (opcode === CLOSE) this.closeCode = payload.readUInt16BE(0);
    }
  }
}
