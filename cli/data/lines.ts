import { createReadStream, statSync } from "node:fs";
import { Readable, type Transform } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { Failure, messageOf } from "../failure.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** Characters of one line at most; longer ones are handed on cut, and refused as what they then are. */
const MAX_LINE = 4 << 20;

/** Lines of text from a file or from stdin, which may be compressed by gzip or zstd: their first bytes tell. */
export class LineSource {
  /** Bytes of the file; undefined for stdin, and for a pipe: it is read once, and has no end that is known. */
  readonly size: number | undefined;
  /** When the file was changed last; 0 for what has no size. */
  readonly changedMs: number = 0;
  readonly #file: string;
  #read = 0;

  /** `-` is stdin. Throws a {@link Failure} if there is no such file. */
  constructor(file: string) {
    this.#file = file;
    if (file === "-") return;
    try {
      const stat = statSync(file);
      if (stat.isDirectory()) throw new Error("it is a directory");
      if (stat.isFile()) [this.size, this.changedMs] = [stat.size, stat.mtimeMs];
    } catch (error) {
      throw new Failure(`${file} cannot be read: ${messageOf(error)}`);
    }
  }

  /** How much of the file has been read, from 0 to 1. */
  get share(): number | undefined {
    // It may grow meanwhile.
    return this.size === undefined ? undefined : Math.min(1, this.#read / Math.max(1, this.size));
  }

  /** The lines, some at a time. Throws a {@link Failure} if the data is damaged. */
  async *lines(): AsyncGenerator<string[]> {
    const decoder = new StringDecoder("utf8");
    const open = new OpenLine();
    try {
      for await (const chunk of this.#decompressed()) {
        const [first = "", ...others] = decoder.write(chunk).split("\n");
        open.add(first);
        const last = others.pop();
        if (last === undefined) continue;
        yield [open.take(), ...others];
        open.add(last);
      }
    } catch (error) {
      throw new Failure(`the file is damaged: ${messageOf(error)}`);
    }
    open.add(decoder.end());
    const rest = open.take();
    if (rest !== "") yield [rest];
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    const stream = this.#file === "-" ? process.stdin : createReadStream(this.#file, { highWaterMark: 1 << 18 });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      this.#read += chunk.length;
      yield chunk;
    }
  }

  async *#decompressed(): AsyncGenerator<Buffer> {
    const chunks = this.#chunks();
    let first = Buffer.alloc(0);
    while (first.length < 4) {
      const { done, value } = await chunks.next();
      if (done) break;
      first = Buffer.concat([first, value]);
    }
    const whole = Readable.from(startWith(first, chunks), { objectMode: false });
    const transforms = decompressorsOf(first);
    const stream = transforms.reduce<Readable>((source, transform) => {
      source.on("error", (error) => transform.destroy(error));
      return source.pipe(transform);
    }, whole);
    yield* stream as AsyncIterable<Buffer>;
  }
}

/** The line whose end has not been read. Each part is looked at once, however long the line is. */
class OpenLine {
  #parts: string[] = [];
  #length = 0;

  /** Beyond {@link MAX_LINE} nothing more is kept. */
  add(text: string): void {
    if (text === "" || this.#length >= MAX_LINE) return;
    this.#parts.push(text.slice(0, MAX_LINE - this.#length));
    this.#length += text.length;
  }

  take(): string {
    const line = this.#parts.join("");
    [this.#parts, this.#length] = [[], 0];
    return line;
  }
}

async function* startWith(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

function decompressorsOf(first: Buffer): Transform[] {
  if (first.length >= 2 && first.readUInt16BE(0) === 0x1f8b) return [createGunzip()];
  if (first.length >= 4 && first.readUInt32LE(0) === 0xfd2fb528) return [new ZstdFrames(), createZstdDecompress()];
  return [];
}
