import { Peer } from "../../../bench/peer.ts";
import { cpuMs, sleep } from "../../../bench/process.ts";
import type { Target } from "../../../bench/target.ts";
import { attacker, bystander, favour, type Waits } from "./run.ts";

const CONNECTIONS = 5000;
const FLOODERS = 50;
const MEASURED = 15;
/** What each that is measured waits on average between two questions. */
const EVERY_MS = 80;

/** CPU time in half a second of a relay that has no more to do than answer those that are measured. */
const IDLE_MS = 200;

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
  readonly #target: Target;
  readonly #peers: Peer[];
  readonly #others: Awaited<ReturnType<typeof bystander>>;

  private constructor(target: Target, peers: Peer[], others: Awaited<ReturnType<typeof bystander>>) {
    this.#target = target;
    this.#peers = peers;
    this.#others = others;
  }

  static async gather(target: Target): Promise<Crowd> {
    const { url, auth, pid } = target;
    favour(pid);
    const peers = await Peer.openMany(url, auth, CONNECTIONS - FLOODERS - MEASURED);
    await Peer.subscribeAll(peers, "own", (n) => ({ "#t": [`own-${n}`], limit: 0 }));
    return new Crowd(target, peers, await bystander(target, MEASURED, EVERY_MS, true));
  }

  /** What the others wait while nobody floods. */
  async quiet(seconds: number): Promise<Waits> {
    this.#others.begin();
    await sleep(seconds * 1000);
    return this.#others.end();
  }

  /** What the others wait while fifty flood, from the first moment on. */
  async flooded(flood: string, seconds: number): Promise<Waits> {
    const flooders = await attacker(this.#target.url, `${flood} (${FLOODERS} × logged in)`, seconds);
    try {
      await sleep(500);
      this.#others.begin();
      await flooders.go();
      return await this.#others.end();
    } finally {
      flooders.stop();
      await this.#drained();
    }
  }

  /** Until the relay has read what those who are gone have left in the buffers of the kernel: it may be many megabytes. */
  async #drained(): Promise<void> {
    const { pid } = this.#target;
    for (let before = cpuMs(pid), isBusy = true; isBusy; ) {
      await sleep(500);
      const now = cpuMs(pid);
      [isBusy, before] = [now - before > IDLE_MS, now];
    }
  }

  leave(): void {
    this.#others.stop();
    for (const peer of this.#peers) peer.close();
  }
}
