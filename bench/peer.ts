import { type ConnectOptions, RawSocket } from "./raw.ts";
import { Signer } from "./signer.ts";

/** Keys of the connections begin here, apart from those of the events' authors. */
let nextKey = 1_000_000;

/** Has further connections of this process use keys from this number on. */
export function takeKeysFrom(key: number): void {
  nextKey = key;
}

/** One connection of a measurement. Frames are handed out as they come, unparsed: the client must cost little. */
export class Peer {
  readonly socket: RawSocket;
  /** Gets each frame; its bytes are good until it returns. */
  onFrame: (frame: Buffer) => void = () => {};
  onClose: () => void = () => {};

  constructor(socket: RawSocket) {
    this.socket = socket;
    socket.onText = (frame) => this.onFrame(frame);
    socket.onClose = () => this.onClose();
  }

  /** Connects, and logs in with a key of its own if `auth` is set. */
  static async open(url: string, auth: boolean, options?: ConnectOptions): Promise<Peer> {
    const peer = new Peer(await RawSocket.open(url, options));
    if (!auth) return peer;
    return new Promise((resolve, reject) => {
      peer.onClose = () => reject(new Error("The relay closed the connection before login."));
      peer.onFrame = (frame) => {
        const [verb, first, accepted, text] = JSON.parse(String(frame));
        if (verb === "AUTH") peer.send(JSON.stringify(["AUTH", authEvent(url, first)]));
        else if (verb === "OK" && accepted) resolve(peer);
        else if (verb === "OK") reject(new Error(`Login refused: ${text}`));
      };
    });
  }

  /** Opens many, some at a time. */
  static async openMany(url: string, auth: boolean, count: number, options?: ConnectOptions): Promise<Peer[]> {
    const peers: Peer[] = [];
    while (peers.length < count) {
      const some = Math.min(100, count - peers.length);
      peers.push(...(await Promise.all(Array.from({ length: some }, () => Peer.open(url, auth, options)))));
    }
    return peers;
  }

  send(frame: string): void {
    this.socket.send(frame);
  }

  /** Sends a frame and waits for the answer that ends it: OK, EOSE, CLOSED or COUNT. Resolves to the events before it. */
  ask(frame: string): Promise<{ verb: string; events: number; accepted: boolean }> {
    return new Promise((resolve, reject) => {
      let events = 0;
      this.onClose = () => reject(new Error("The relay closed the connection."));
      this.onFrame = (answer) => {
        if (isEvent(answer)) events++;
        else if (!isNotice(answer)) {
          const [verb, , accepted] = JSON.parse(String(answer));
          resolve({ verb, events, accepted: accepted === true });
        }
      };
      this.send(frame);
    });
  }

  /** Opens a subscription and waits for EOSE. */
  async subscribe(id: string, filter: object): Promise<void> {
    const { verb } = await this.ask(JSON.stringify(["REQ", id, filter]));
    if (verb !== "EOSE") throw new Error(`The relay answered ${verb} to a REQ.`);
  }

  /** Opens one subscription on each of many, some at a time. */
  static async subscribeAll(peers: readonly Peer[], id: string, filter: (n: number) => object): Promise<void> {
    for (let i = 0; i < peers.length; i += 100) {
      await Promise.all(peers.slice(i, i + 100).map((peer, n) => peer.subscribe(id, filter(i + n))));
    }
  }

  close(): void {
    this.onClose = () => {};
    this.socket.destroy();
  }
}

export function isEvent(frame: Buffer): boolean {
  return frame[2] === 0x45 && frame[3] === 0x56;
}

function isNotice(frame: Buffer): boolean {
  return frame[2] === 0x4e;
}

function authEvent(url: string, challenge: string) {
  const tags = [
    ["relay", url],
    ["challenge", challenge],
  ];
  return new Signer(nextKey++).sign({ kind: 22242, created_at: Math.floor(Date.now() / 1000), tags, content: "" });
}

/** Publishes frames over all peers, each with so many waiting for their OK. */
export async function publishAll(
  peers: readonly Peer[],
  frames: Iterator<string>,
  inFlight: number,
): Promise<{ accepted: number; refused: number }> {
  const total = { accepted: 0, refused: 0 };
  const publish = (peer: Peer) =>
    new Promise<void>((resolve, reject) => {
      let waiting = 0;
      const fill = () => {
        while (waiting < inFlight) {
          const { done, value } = frames.next();
          if (done) break;
          peer.send(value);
          waiting++;
        }
        if (waiting === 0) resolve();
      };
      peer.onClose = () => reject(new Error("The relay closed the connection."));
      peer.onFrame = (frame) => {
        if (frame[2] !== 0x4f) return;
        // ["OK","<64 digits>",true: the 74th byte tells
        if (frame[73] === 0x74) total.accepted++;
        else total.refused++;
        waiting--;
        fill();
      };
      fill();
    });
  await Promise.all(peers.map(publish));
  return total;
}
