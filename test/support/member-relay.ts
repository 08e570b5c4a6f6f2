import { expect } from "vitest";
import type { Client } from "./client.ts";
import { type Key, key, now, signed } from "./keys.ts";
import { caller } from "./manage.ts";
import { freshRelay, type Settings } from "./relay.ts";

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

export interface MemberCalls {
  /** Calls a method of NIP-86 as the operator, which must be answered with a result. */
  manage(method: string, ...params: unknown[]): Promise<unknown>;
  /** A code of the operator's. */
  code(): Promise<string>;
  /** Makes a member of the key: it joins with a code. */
  admit(by: Key): Promise<void>;
}

export type MemberRelay = ReturnType<typeof freshRelay> & MemberCalls;

/** What a relay is told that keeps members. */
export function membership(settings: Settings = {}): Settings {
  return { RELAY_SECRET_KEY: hex(self.secret), ADMIN_PUBKEYS: operator.pubkey, ...settings };
}

/** A relay that keeps members. */
export function memberRelay(settings: Settings = {}): MemberRelay {
  const relay = freshRelay(membership(settings));
  const call = caller(relay.fetch, operator);
  const code = async () => {
    const client = await relay.login(operator);
    const code = await codeFor(client);
    client.close();
    return code;
  };
  return {
    ...relay,
    async manage(method, ...params) {
      const { error, result } = await call(method, ...params);
      if (error !== undefined) throw new Error(error);
      return result;
    },
    code,
    async admit(by) {
      const client = await relay.login(by);
      await join(client, by, await code());
      client.close();
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
