import type { Event } from "../../src/protocol/event.ts";
import { admin, type Key, key } from "../support/keys.ts";
import { Bench, type Peer } from "./bench.ts";

export const LIST = 13534;
export const ADDED = 8000;

/** The relay's own key. */
const self = key(901);

/** A relay that keeps members, and the connection of its operator. */
export function memberBench(variables: Record<string, string> = {}) {
  const bench = new Bench({ RELAY_SECRET_KEY: Buffer.from(self.secret).toString("hex"), ...variables });
  const boss = bench.login(admin);
  const code = (): string => {
    const [invite] = boss.query({ kinds: [28935] });
    const claim = invite?.tags.find(([name]) => name === "claim")?.[1];
    if (claim === undefined) throw new Error("no invite");
    return claim;
  };
  const admit = (by: Key): Peer => {
    const peer = bench.login(by);
    const [answer] = peer.ask(["EVENT", joining(bench, by, code())]);
    if (answer?.[2] !== true) throw new Error(JSON.stringify(answer));
    return peer;
  };
  return { bench, boss, code, admit };
}

export function joining(bench: Bench, by: Key, code: string): Event {
  return bench.event(by, { kind: 28934, tags: [["-"], ["claim", code]] });
}

export function leaving(bench: Bench, by: Key): Event {
  return bench.event(by, { kind: 28936, tags: [["-"]] });
}

/** Keys on the stored list of members. */
export function membersOf(peer: Peer): string[] {
  const [list] = peer.query({ kinds: [LIST] });
  return (list?.tags ?? []).filter(([name]) => name === "member").map(([, pubkey]) => pubkey as string);
}
