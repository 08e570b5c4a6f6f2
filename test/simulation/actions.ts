import type { Message } from "../support/model/steps.ts";

/** One thing that happens to a simulated relay. A list of them is a session, and can be pasted into a test. */
export type Action =
  /** A client sends a message. */
  | { do: "send"; message: Message }
  /** The host lets the relay serve what has arrived, so many times. */
  | { do: "run"; times: number }
  /** Time goes on; timers ring, syncs of the disk end. */
  | { do: "tick"; ms: number }
  /** The wall clock is set. */
  | { do: "clock"; seconds: number }
  /** A client stops reading, or goes on. */
  | { do: "crowd"; on: number; is: boolean }
  /** A client has not read for so long that it has to go. */
  | { do: "overflow"; on: number }
  /** A client goes, and the relay notices. */
  | { do: "leave"; on: number }
  /** A client comes. */
  | { do: "connect"; on: number }
  /** After so many statements so many fail; with `isCrash` the machine stops at the first. */
  | { do: "fail"; after: number; times: number; isCrash: boolean }
  /** The machine stops and starts again: what was not synced is lost. */
  | { do: "crash" }
  /** The host loses its memory, and nothing else. */
  | { do: "evict" }
  /** Everything comes to rest, and nothing may be missing. */
  | { do: "settle" };

/** How a simulated host behaves. */
export interface Settings {
  /** Of what the host draws: keys of connections, how long a sync takes, what a crash leaves. */
  seed: number;
  /** Of the meter: how much more work everything seems to be. */
  scale: number;
  gatherMs: number;
  /** It can stop reading from a socket. */
  canPause: boolean;
  /** It says when a commit is on its way to the disk. */
  tellsOfSyncs: boolean;
  graceMs: number;
  /** Connections outlive the loss of its memory. */
  hibernates: boolean;
  connections: number;
}
