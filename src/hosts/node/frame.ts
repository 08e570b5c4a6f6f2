/** The frame of an event, in two parts: an answer has hundreds, and joining their texts would copy each once more. */
export class EventFrame {
  readonly prefix: string;
  readonly raw: string;

  constructor(prefix: string, raw: string) {
    this.prefix = prefix;
    this.raw = raw;
  }

  /** UTF-16 units. */
  get length(): number {
    return this.prefix.length + this.raw.length + 1;
  }
}

/** A frame that is to be sent: the text of one, that of an event, or a whole one that has been made already. */
export type Frame = string | EventFrame | Buffer;

let lastEvent = new EventFrame("", "");

/** The frame of an event; the same as before if it goes to subscriptions of one name in a row. */
export function eventFrame(prefix: string, raw: string): EventFrame {
  if (lastEvent.raw !== raw || lastEvent.prefix !== prefix) lastEvent = new EventFrame(prefix, raw);
  return lastEvent;
}

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
  if (lastEvent.raw !== "") lastEvent = new EventFrame("", "");
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

/** The same frames in the same order: those of one live event are one object, so this looks at no characters. */
function areSame(some: readonly Frame[], others: readonly Frame[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false;
  return true;
}

/** What precedes the events of one subscription. */
let lastPrefix = { text: "", bytes: Buffer.alloc(0) };

function prefixBytes(text: string): Buffer {
  if (lastPrefix.text !== text) lastPrefix = { text, bytes: Buffer.from(text) };
  return lastPrefix.bytes;
}

function sizeOf(frame: Frame): number {
  if (typeof frame === "string") return Buffer.byteLength(frame);
  if (frame instanceof EventFrame) return prefixBytes(frame.prefix).length + Buffer.byteLength(frame.raw) + 1;
  return frame.length;
}

function encodeAll(frames: readonly Frame[]): Buffer {
  const sizes = frames.map(sizeOf);
  let total = 0;
  for (let i = 0; i < frames.length; i++) {
    const size = sizes[i] as number;
    total += size + (frames[i] instanceof Buffer ? 0 : headerSize(size));
  }
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (let i = 0; i < frames.length; i++) {
    const frame = frames[i] as Frame;
    if (typeof frame !== "string" && !(frame instanceof EventFrame)) {
      at += frame.copy(bytes, at);
      continue;
    }
    at = writeHeader(bytes, at, sizes[i] as number);
    if (typeof frame === "string") at += bytes.write(frame, at);
    else {
      at += prefixBytes(frame.prefix).copy(bytes, at);
      at += bytes.write(frame.raw, at);
      bytes[at++] = BRACKET;
    }
  }
  return bytes;
}

/** What closes the array of a message. */
const BRACKET = 0x5d;

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
