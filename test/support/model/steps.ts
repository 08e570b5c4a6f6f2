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

export function publish(draft: Draft): Content {
  return { verb: "EVENT", draft };
}
