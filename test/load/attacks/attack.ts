import { frameBytes, OPCODE, RawSocket } from "../../../bench/raw.ts";
import { type Draft, type SignedEvent, Signer } from "../../../bench/signer.ts";

/** A text frame, or bytes that go out as they are. */
export type Frame = string | Uint8Array;

/** What one client does to the others; a line of the tables in `*.ts`. */
export interface Attack {
  readonly name: string;
  /**
   * What each connection sends: as fast as the relay reads, or with `inTurn` each when the one before is answered. It may end.
   */
  frames(by: Attacker): Iterable<Frame>;
  readonly inTurn?: boolean;
  /** Done on each connection before it is measured. */
  before?(by: Attacker): Promise<void>;
  /** Instead of frames on a connection, until `endsAt` (`performance.now()`): what it has done. */
  instead?(url: string, endsAt: number): Promise<Record<string, number>>;
  /** Its connections read nothing of what they are sent. */
  readonly isDeaf?: boolean;
  /** Connections; a flood is made by 1 and by 50. */
  readonly connections?: number;
  /** Number of its key; each connection has its own unless told. */
  readonly key?: number;
  /** Variables of the relay. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What is stored before: one of `stocks.ts`. */
  readonly stock?: string;
}

/** Keys of attackers begin here. */
const FIRST_KEY = 5000;
const ANSWER_TIMEOUT_MS = 60_000;

let serial = 0;

/** A number that no other frame of this process has. */
export function fresh(): number {
  return ++serial;
}

/** By number: making one takes longer than signing with it. */
const signers = new Map<number, Signer>();

/** One connection of an attack. */
export class Attacker {
  readonly url: string;
  readonly signer: Signer;
  readonly socket: RawSocket;
  /** Given by the relay when it connected. */
  challenge = "";
  isLoggedIn = false;
  answers = 0;
  #onAnswer: (frame: Buffer) => void = () => {};

  private constructor(url: string, key: number, socket: RawSocket) {
    this.url = url;
    this.signer = signers.get(key) ?? new Signer(key);
    signers.set(key, this.signer);
    this.socket = socket;
    socket.onText = (frame) => {
      // Live and stored events end nothing.
      if (frame[2] === 0x45 && frame[3] === 0x56) return;
      this.answers++;
      this.#onAnswer(frame);
    };
  }

  /** Connects the nth attacker, and logs in if told; rejects when it is refused. */
  static async open(url: string, n: number, { login = true, key = FIRST_KEY + n } = {}): Promise<Attacker> {
    const by = new Attacker(url, key, await RawSocket.open(url));
    const [, challenge] = await by.#next();
    by.challenge = String(challenge);
    if (login) await by.logIn();
    return by;
  }

  async logIn(): Promise<void> {
    const [verb, , accepted, text] = await this.ask(this.authFrame());
    if (verb !== "OK" || accepted !== true) throw new Error(`Login refused: ${text}`);
    this.isLoggedIn = true;
  }

  /** Sends a frame and waits for what ends its answer; rejects when the connection ends or after a minute. */
  ask(frame: Frame): Promise<unknown[]> {
    const answer = this.#next();
    this.socket.write(bytesOf(frame));
    return answer;
  }

  /** Publishes events, as many as 50 waiting for their OK; throws when one is refused. */
  async publish(events: Iterable<object>): Promise<void> {
    let waiting = 0;
    let problem: string | undefined;
    let tick = () => {};
    this.#onAnswer = (frame) => {
      waiting--;
      if (frame[73] !== 0x74) problem ??= frame.toString();
      tick();
    };
    const room = (most: number) =>
      new Promise<void>((resolve) => {
        tick = () => waiting <= most && resolve();
        tick();
      });
    for (const event of events) {
      await room(50);
      waiting++;
      this.socket.send(JSON.stringify(["EVENT", event]));
    }
    await room(0);
    if (problem !== undefined) throw new Error(`An event of the stock was refused: ${problem}`);
  }

  /** A signed event of its own: kind 1, now, and different from every other unless told. */
  event(draft: Partial<Draft> = {}): SignedEvent {
    const created_at = Math.floor(Date.now() / 1000);
    return this.signer.sign({ kind: 1, created_at, tags: [], content: `${fresh()}`, ...draft });
  }

  /** An EVENT frame of such an event. */
  eventFrame(draft: Partial<Draft> = {}): string {
    return JSON.stringify(["EVENT", this.event(draft)]);
  }

  authFrame(more: string[][] = [], content = ""): string {
    const tags = [["relay", this.url], ["challenge", this.challenge], ...more];
    return JSON.stringify(["AUTH", this.event({ kind: 22242, tags, content })]);
  }

  #next(): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("The relay does not answer.")), ANSWER_TIMEOUT_MS);
      this.#onAnswer = (frame) => {
        clearTimeout(timer);
        const text = frame.toString();
        resolve(text.startsWith("[") ? JSON.parse(text) : [text]);
      };
      this.socket.onClose = (code) => {
        clearTimeout(timer);
        reject(new Error(`The relay closed the connection: ${code}.`));
      };
    });
  }
}

export function bytesOf(frame: Frame): Uint8Array {
  return typeof frame === "string" ? frameBytes(OPCODE.text, frame) : frame;
}

/** A message of so many fragments, and two more, each with the same payload. */
export function fragments(count: number, payload: string): Uint8Array {
  const one = frameBytes(OPCODE.continuation, payload, { final: false });
  return Buffer.concat([
    frameBytes(OPCODE.text, payload, { final: false }),
    Buffer.alloc(count * one.length, one),
    frameBytes(OPCODE.continuation, payload),
  ]);
}
