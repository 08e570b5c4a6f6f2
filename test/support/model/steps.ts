import type { Filter } from "../client.ts";
import type { Random } from "../random.ts";
import type { Draft, Signer } from "./drafts.ts";
import type { Oracle } from "./oracle.ts";

/** What a sync compares. */
export type SyncRecord = [createdAt: number, id: string];

/** One frame to send, in a form that can be printed and sent again later: what has to be signed is still a draft. */
export type Message = { name: string; on: number } & (
  | { verb: "EVENT"; draft: Draft }
  | { verb: "REQ" | "COUNT"; id: string; filters: Filter[] }
  | { verb: "CLOSE" | "NEG-CLOSE"; id: string }
  /** `records` are what the client has; `fault` is a message to send in place of its own. */
  | { verb: "NEG-OPEN"; id: string; filter: Filter; records: SyncRecord[]; fault?: string }
  | { verb: "NEG-MSG"; id: string; fault?: string }
  | { verb: "AUTH"; by: number; fault?: "sig" | "challenge" }
);

/** How messages are sent, and what happens around them. */
export type Step =
  /** One after the other: `isPaced` waits for each answer, otherwise they follow each other at once. */
  | { name: "send" | "query"; isPaced: boolean; messages: Message[] }
  /**
   * From several connections at once: those of each connection in order, else in any. With `breaks` the relay receives
   * them in one turn, and so many microtasks after each are left to what it has begun.
   */
  | { name: "concurrent"; messages: Message[]; breaks?: number[] }
  /**
   * The object is evicted while `before` is under way; `after` wakes it. Open syncs are closed before, or, with
   * `isIdle`, so much time passes that the relay ends them.
   */
  | { name: "evict"; isIdle?: boolean; before: Message[]; after: Message[] }
  /** The connection closes and a new one takes its place. */
  | { name: "reconnect"; on: number; messages: Message[] }
  /** The clock of the relay goes on by so many seconds; else it stands still. */
  | { name: "clock"; seconds: number }
  /** The alarm rings, if it is set. */
  | { name: "alarm" };

/** What operations are made up from. */
export interface State {
  oracle: Oracle;
  signer: Signer;
}

/** A message without the name of its operation and without its connection. */
export type Content = Message extends infer M ? (M extends Message ? Omit<M, "name" | "on"> : never) : never;

/** An operation: how often, and what is sent on connection `on`; undefined if there is no occasion for it. */
export interface Operation {
  name: string;
  weight: number;
  generate(random: Random, state: State, on: number): Content | undefined;
}

export function messagesOf(step: Step): Message[] {
  switch (step.name) {
    case "evict":
      return [...step.before, ...step.after];
    case "clock":
    case "alarm":
      return [];
    default:
      return step.messages;
  }
}

export function publish(draft: Draft): Content {
  return { verb: "EVENT", draft };
}
