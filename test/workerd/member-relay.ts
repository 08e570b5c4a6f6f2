import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import type { Members } from "../../src/relay/members/members.ts";
import { Relay } from "../../src/relay/relay.ts";
import type { Client } from "../support/client.ts";
import { type Key, key, now, signed } from "../support/keys.ts";
import type { TestRelay } from "../support/relay.ts";
import { configure, evict, relayWith } from "./stocked.ts";

/** The relay's own key, and that of its operator. */
export const self = key(901);
export const operator = key(902);

export const JOIN = 28934;
export const INVITE = 28935;
export const LEAVE = 28936;
export const LIST = 13534;
export const ROLE = 33534;
export const ADDED = 8000;
export const REMOVED = 8001;

export type PlainEvent = {
  id: string;
  pubkey: string;
  created_at: number;
  kind: number;
  tags: string[][];
  sig: string;
};

/** The relay that served the last frame: what only management does is done to it directly. */
let latest: Relay | undefined;
const receive = Relay.prototype.receive;
Relay.prototype.receive = function (connection, text) {
  latest = this;
  return receive.call(this, connection, text);
};

export interface MemberRelay extends TestRelay {
  /** Takes the object out of memory; its variables stay. */
  evict(): Promise<void>;
  /** Does something to members and roles as management would. */
  manage<T>(body: (members: Members) => T): Promise<T>;
  /** A code of the operator's. */
  code(): Promise<string>;
}

/** A relay that keeps members. */
export async function memberRelay(variables: Record<string, string> = {}): Promise<MemberRelay> {
  const all = { RELAY_SECRET_KEY: hex(self.secret), ADMIN_PUBKEYS: operator.pubkey, ...variables };
  const relay = await relayWith(all);
  return {
    ...relay,
    async evict() {
      await evict(relay);
      await configure(relay, all);
    },
    async manage(body) {
      const client = await relay.connect();
      await client.ask(["PING"]);
      const members = latest?.membership?.members;
      if (members === undefined) throw new Error("this relay keeps no members");
      const result = await runInDurableObject(relay.stub, () => body(members));
      client.close();
      return result as never;
    },
    async code() {
      const client = await relay.login(operator);
      const code = await codeFor(client);
      client.close();
      return code;
    },
  };
}

export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The code that a client gets when it asks for an invite; it must get one. */
export async function codeFor(client: Client): Promise<string> {
  const [event] = (await client.query({ kinds: [INVITE] })) as unknown as PlainEvent[];
  const code = event?.tags.find(([name]) => name === "claim")?.[1];
  if (code === undefined) throw new Error("no invite");
  return code;
}

let serial = 0;

export function joining(by: Key, code: string | undefined, created_at = now(), extra: string[][] = [["-"]]) {
  const claim = code === undefined ? [] : [["claim", code]];
  return signed(by, { kind: JOIN, created_at, tags: [...extra, ...claim], content: String(++serial) });
}

export function leaving(by: Key, created_at = now()) {
  return signed(by, { kind: LEAVE, created_at, tags: [["-"]], content: String(++serial) });
}

/** What the OK to a request says. */
export async function answer(client: Client, event: { id: string }): Promise<[unknown, string]> {
  const [, , accepted, text] = await client.publish(event);
  return [accepted, String(text)];
}

export const WELCOME: [unknown, string] = [true, "info: welcome to wss://nexus.openagents.com"];
export const MEMBER_ALREADY: [unknown, string] = [true, "duplicate: you are already a member of this relay"];
export const INVALID_CODE: [unknown, string] = [false, "restricted: that is an invalid invite code"];

/** Joins, which must succeed. */
export async function join(client: Client, by: Key, code: string): Promise<void> {
  expect(await answer(client, joining(by, code))).toEqual(WELCOME);
}

/** The stored list of members: key and roles of each. There must be exactly one, of the relay's own. */
export async function membersOf(client: Client): Promise<Record<string, string[]>> {
  const events = (await client.query({ kinds: [LIST] })) as unknown as PlainEvent[];
  expect(events.map(({ pubkey }) => pubkey)).toEqual([self.pubkey]);
  const [mark, ...members] = (events[0] as PlainEvent).tags;
  expect(mark).toEqual(["-"]);
  return Object.fromEntries(members.map(([, pubkey, ...roles]) => [pubkey, roles]));
}
