import type { Writable } from "node:stream";

// Exported by ws, and missing from its types.
declare module "ws" {
  export interface ReceiverOptions {
    isServer: boolean;
    allowSynchronousEvents: boolean;
    /** Bytes of one message at most. */
    maxPayload: number;
    /** Frames of one message at most. */
    maxFragments: number;
  }

  /** The half of a WebSocket that reads: bytes are written to it, and it emits what they say. */
  export class Receiver extends Writable {
    constructor(options: ReceiverOptions);
    on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
    on(event: "ping" | "pong", listener: (data: Buffer) => void): this;
    /** A Close has come; 1005 stands for one without a code. */
    on(event: "conclude", listener: (code: number, reason: Buffer) => void): this;
    on(event: "error", listener: (error: Error & { code?: string }) => void): this;
  }
}
