import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { Failure, messageOf } from "../failure.ts";

/** Where text goes: a file, or stdout. */
export interface Output {
  /** Bytes of the file so far. */
  readonly bytes: number;
  write(text: string): Promise<void>;
  /** Everything is written: the file has its name from now on. */
  finish(): void;
}

/** What is written to stdout, as fast as it is read. */
export class StandardOutput implements Output {
  readonly bytes = 0;

  write(text: string): Promise<void> {
    return new Promise((resolve) => process.stdout.write(text, () => resolve()));
  }

  finish(): void {}
}

/**
 * A file that is written piece by piece. A name in `.gz` or `.zst` compresses each piece by itself, so that the file may be cut
 * behind any of them and go on there. Its owner alone may read it. It has another name, `<file>.part`, until it is whole.
 */
export class FileOutput implements Output {
  bytes: number;
  readonly #name: string;
  readonly #file: number;
  readonly #pack: (text: string) => Buffer;

  /** Goes on behind so many bytes, which were written before. Throws a {@link Failure}. */
  constructor(name: string, bytes = 0) {
    this.#name = name;
    this.bytes = bytes;
    this.#pack = packerOf(name);
    try {
      // What others may have left there is neither followed nor kept: it could be a link, or readable by them.
      if (bytes === 0) rmSync(`${name}.part`, { force: true });
      const flags = bytes > 0 ? constants.O_RDWR | constants.O_NOFOLLOW : "wx";
      this.#file = openSync(`${name}.part`, flags, 0o600);
      fchmodSync(this.#file, 0o600);
      ftruncateSync(this.#file, bytes);
    } catch (error) {
      throw new Failure(`${name}.part cannot be written: ${messageOf(error)}`);
    }
  }

  async write(text: string): Promise<void> {
    const piece = this.#pack(text);
    try {
      for (let at = 0; at < piece.length; ) at += writeSync(this.#file, piece, at, piece.length - at, this.bytes + at);
    } catch (error) {
      throw new Failure(`${this.#name}.part cannot be written: ${messageOf(error)}`);
    }
    this.bytes += piece.length;
  }

  finish(): void {
    fsyncSync(this.#file);
    closeSync(this.#file);
    renameSync(`${this.#name}.part`, this.#name);
  }
}

/** Refuses to replace what is there, and a directory where nothing can be made. Throws a {@link Failure}. */
export function refuseExisting(file: string): void {
  if (existsSync(file)) throw new Failure(`${file} is there already: give another name, or remove it`);
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    throw new Failure(`${file} cannot be written: ${messageOf(error)}`);
  }
}

function packerOf(name: string): (text: string) => Buffer {
  if (name.endsWith(".gz")) return (text) => gzipSync(text);
  if (name.endsWith(".zst")) return (text) => zstdCompressSync(text);
  return (text) => Buffer.from(text);
}
