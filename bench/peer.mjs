// @ts-check
import { RawSocket } from "./raw.ts";
import { Signer } from "./signer.ts";

/** Keys of the connections begin here, apart from those of the events' authors. */
let nextKey = 1_000_000;

/** Has further connections of this process use keys from this number on. @param {number} key */
export function takeKeysFrom(key) {
  nextKey = key;
}

/** One connection of a measurement. Frames are handed out as they come, unparsed: the client must cost little. */
export class Peer {
  /** @param {RawSocket} socket */
  constructor(socket) {
    this.socket = socket;
    /** Its bytes are good until it returns. @type {(frame: Buffer) => void} */
    this.onFrame = () => {};
    /** @type {() => void} */
    this.onClose = () => {};
    socket.onText = (frame) => this.onFrame(frame);
    socket.onClose = () => this.onClose();
  }

  /**
   * Connects, and logs in with a key of its own if there is a challenge and `auth` is set.
   * @param {string} url
   * @param {boolean} auth
   * @param {{ localAddress?: string }} [options]
   * @returns {Promise<Peer>}
   */
  static async open(url, auth, options) {
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

  /**
   * Opens many, some at a time.
   * @param {string} url
   * @param {boolean} auth
   * @param {number} count
   * @param {{ localAddress?: string }} [options]
   */
  static async openMany(url, auth, count, options) {
    /** @type {Peer[]} */
    const peers = [];
    while (peers.length < count) {
      const some = Math.min(100, count - peers.length);
      peers.push(...(await Promise.all(Array.from({ length: some }, () => Peer.open(url, auth, options)))));
    }
    return peers;
  }

  /** @param {string} frame */
  send(frame) {
    this.socket.send(frame);
  }

  /**
   * Sends a frame and waits for the answer that ends it: OK, EOSE, CLOSED or COUNT. Resolves to the events before it.
   * @param {string} frame
   * @returns {Promise<{ verb: string, events: number, accepted: boolean }>}
   */
  ask(frame) {
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

  /** Opens a subscription and waits for EOSE. @param {string} id @param {object} filter */
  async subscribe(id, filter) {
    const { verb } = await this.ask(JSON.stringify(["REQ", id, filter]));
    if (verb !== "EOSE") throw new Error(`The relay answered ${verb} to a REQ.`);
  }

  close() {
    this.onClose = () => {};
    this.socket.destroy();
  }
}

/** @param {Buffer} frame */
export function isEvent(frame) {
  return frame[2] === 0x45 && frame[3] === 0x56;
}

/** @param {Buffer} frame */
function isNotice(frame) {
  return frame[2] === 0x4e;
}

/** @param {string} url @param {string} challenge */
function authEvent(url, challenge) {
  const tags = [
    ["relay", url],
    ["challenge", challenge],
  ];
  return new Signer(nextKey++).sign({ kind: 22242, created_at: Math.floor(Date.now() / 1000), tags, content: "" });
}

/**
 * Publishes frames over all peers, each with so many waiting for their OK.
 * @param {readonly Peer[]} peers
 * @param {Iterator<string>} frames
 * @param {number} inFlight
 * @returns {Promise<{ accepted: number, refused: number }>}
 */
export async function publishAll(peers, frames, inFlight) {
  const total = { accepted: 0, refused: 0 };
  const publish = (/** @type {Peer} */ peer) =>
    new Promise((resolve, reject) => {
      let waiting = 0;
      const fill = () => {
        while (waiting < inFlight) {
          const { done, value } = frames.next();
          if (done) break;
          peer.send(value);
          waiting++;
        }
        if (waiting === 0) resolve(undefined);
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
