import { Transform, type TransformCallback } from "node:stream";

/** What every frame begins with, and what one begins with that holds no data (RFC 8878, 3.1). */
const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

/** The longest header of a frame, in bytes: its magic number, its description, and the header of the first block. */
const MAX_HEADER = 4 + 14 + 3;

/**
 * Cuts zstd data between frames, so that each piece belongs to one frame: Node's decompressor drops what follows a frame in the
 * same piece. Fails if the data ends within a frame, which Node does not tell.
 */
export class ZstdFrames extends Transform {
  /** Bytes of a header that are not all there yet. */
  #head = Buffer.alloc(0);
  /** Bytes left of what needs no look: a block, a checksum, a frame without data. */
  #left = 0;
  #state: "frame" | "block" | "last" | "checksum" = "frame";
  #hasChecksum = false;

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    try {
      this.#take(chunk);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    const isWhole = this.#state === "frame" && this.#left === 0 && this.#head.length === 0;
    done(isWhole ? null : new Error("the zstd data ends in the midst of a frame"));
  }

  #take(chunk: Buffer): void {
    let at = 0;
    let from = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const some = Math.min(this.#left, chunk.length - at);
        this.#left -= some;
        at += some;
      } else {
        const before = this.#head.length;
        const head = Buffer.concat([this.#head, chunk.subarray(at, at + MAX_HEADER)]);
        const length = this.#read(head);
        if (length === undefined) {
          this.#head = head;
          break;
        }
        this.#head = Buffer.alloc(0);
        at += length - before;
      }
      if (this.#left === 0 && this.#isEnd()) {
        this.push(chunk.subarray(from, at));
        from = at;
      }
    }
    if (from < chunk.length) this.push(chunk.subarray(from));
  }

  /** Whether what has just ended is a frame. */
  #isEnd(): boolean {
    if (this.#state === "last") {
      this.#state = this.#hasChecksum ? "checksum" : "frame";
      if (this.#hasChecksum) this.#left = 4;
      return !this.#hasChecksum;
    }
    if (this.#state !== "checksum") return this.#state === "frame";
    this.#state = "frame";
    return true;
  }

  /** Reads the header at the beginning of some bytes; how long it is, undefined if it is not all there. */
  #read(head: Buffer): number | undefined {
    return this.#state === "frame" ? this.#readFrame(head) : this.#readBlock(head, 0);
  }

  #readFrame(head: Buffer): number | undefined {
    if (head.length < 8) return undefined;
    const magic = head.readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      this.#left = head.readUInt32LE(4);
      return 8;
    }
    if (magic !== MAGIC) throw new Error("this is no zstd data");
    const descriptor = head.readUInt8(4);
    const isSingle = (descriptor & 0x20) !== 0;
    const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
    const length = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number) + sizeBytes;
    if (head.length < length + 3) return undefined;
    this.#hasChecksum = (descriptor & 4) !== 0;
    return this.#readBlock(head, length);
  }

  #readBlock(head: Buffer, at: number): number | undefined {
    if (head.length < at + 3) return undefined;
    const header = head.readUIntLE(at, 3);
    this.#state = (header & 1) === 0 ? "block" : "last";
    // A block of type 1 is one byte, repeated.
    this.#left = ((header >> 1) & 3) === 1 ? 1 : header >> 3;
    return at + 3;
  }
}
