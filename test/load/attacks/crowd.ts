import { Peer } from "../../../bench/peer.ts";
import { sleep } from "../../../bench/process.ts";
import type { Target } from "../../../bench/target.ts";
import { attacker, bystander, type Waits } from "./run.ts";

const CONNECTIONS = 5000;
const FLOODERS = 50;
const MEASURED = 15;
/** What each that is measured waits on average between two questions. */
const EVERY_MS = 80;

/** What 50 connections flood with, each an attack of `verbs.ts`. */
export const CROWD_FLOODS = [
  "EVENT, new ones",
  "EVENT, forged",
  "REQ for an id",
  "REQ without filter",
  "COUNT",
  "CLOSE of nothing",
  "AUTH, wrong challenge",
  "NEG-OPEN of a few",
  "NEG-MSG of nothing",
  "NEG-CLOSE of nothing",
  "PING",
  "ping, bare",
  "ping, of the protocol, empty",
  "malformed, half a frame",
  "unknown verb",
  "binary",
];

/** A crowd of 5,000 connections with a subscription each, and others whose questions are measured: a REQ and an EVENT in turn. */
export class Crowd {
  readonly #url: string;
  readonly #peers: Peer[];
  readonly #others: Awaited<ReturnType<typeof bystander>>;

  private constructor(url: string, peers: Peer[], others: Awaited<ReturnType<typeof bystander>>) {
    this.#url = url;
    this.#peers = peers;
    this.#others = others;
  }

  static async gather(target: Target): Promise<Crowd> {
    const { url, auth } = target;
    const peers = await Peer.openMany(url, auth, CONNECTIONS - FLOODERS - MEASURED);
    await Peer.subscribeAll(peers, "own", (n) => ({ "#t": [`own-${n}`], limit: 0 }));
    return new Crowd(url, peers, await bystander(target, MEASURED, EVERY_MS, true));
  }

  /** What the others wait while nobody floods. */
  async quiet(seconds: number): Promise<Waits> {
    this.#others.begin();
    await sleep(seconds * 1000);
    return this.#others.end();
  }

  /** What the others wait while fifty flood, from the first moment on. */
  async flooded(flood: string, seconds: number): Promise<Waits> {
    const flooders = await attacker(this.#url, `${flood} (${FLOODERS} × logged in)`, seconds);
    try {
      await sleep(500);
      this.#others.begin();
      await flooders.go();
      return await this.#others.end();
    } finally {
      flooders.stop();
      await sleep(500);
    }
  }

  leave(): void {
    this.#others.stop();
    for (const peer of this.#peers) peer.close();
  }
}
