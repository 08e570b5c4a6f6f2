/** A frame that is to be sent: the text of one, or a whole one that has been made already. */
export type Frame = string | Buffer;

const [TEXT, CLOSE, PONG] = [0x81, 0x88, 0x8a];

/** Close codes that stand for a Close without one. */
const NOT_SENDABLE: ReadonlySet<number> = new Set([1005, 1006, 1015]);

/** What was encoded last. */
let last: { frames: readonly Frame[]; bytes: Buffer } = { frames: [], bytes: Buffer.alloc(0) };

/**
 * The bytes of frames that leave together, as RFC 6455 has them from a server: a header and the payload. A live event goes to
 * many sockets in a row, so what is the same as before is not made again; nobody may change it.
 */
export function encodeFrames(frames: readonly Frame[]): Buffer {
  if (!areSame(frames, last.frames)) last = { frames, bytes: encodeAll(frames) };
  return last.bytes;
}

/** Forgets what was encoded last: it may be large. */
export function forgetEncoded(): void {
  if (last.bytes.length > 0) last = { frames: [], bytes: Buffer.alloc(0) };
}

export function closeFrame(code: number, reason = ""): Buffer {
  if (NOT_SENDABLE.has(code)) return controlFrame(CLOSE, Buffer.alloc(0));
  const text = Buffer.from(reason);
  // Of a character that would be cut in two nothing is kept.
  let end = Math.min(text.length, 123);
  while (end < text.length && ((text[end] as number) & 0xc0) === 0x80) end--;
  return controlFrame(CLOSE, Buffer.concat([Buffer.of(code >> 8, code & 255), text.subarray(0, end)]));
}

export function pongFrame(data: Buffer): Buffer {
  return controlFrame(PONG, data);
}

function controlFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.of(opcode, payload.length), payload]);
}

/** The same strings in the same order: those of one live event are one object, so this looks at no characters. */
function areSame(some: readonly Frame[], others: readonly Frame[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false;
  return true;
}

function encodeAll(frames: readonly Frame[]): Buffer {
  const sizes = frames.map((frame) => Buffer.byteLength(frame));
  let total = 0;
  for (const [i, frame] of frames.entries()) {
    total += (sizes[i] as number) + (typeof frame === "string" ? headerSize(sizes[i] as number) : 0);
  }
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const [i, frame] of frames.entries()) {
    if (typeof frame === "string") {
      at = writeHeader(bytes, at, sizes[i] as number);
      at += bytes.write(frame, at);
    } else at += frame.copy(bytes, at);
  }
  return bytes;
}

function headerSize(size: number): number {
  return size < 126 ? 2 : size < 65_536 ? 4 : 10;
}

/** Where the payload begins. */
function writeHeader(bytes: Buffer, at: number, size: number): number {
  bytes[at] = TEXT as number;
  if (size < 126) bytes[at + 1] = size;
  else if (size < 65_536) {
    bytes[at + 1] = 126;
    bytes.writeUInt16BE(size, at + 2);
  } else {
    bytes[at + 1] = 127;
    bytes.writeUInt32BE(0, at + 2);
    bytes.writeUInt32BE(size, at + 6);
  }
  return at + headerSize(size);
}
