import { authorization, type Sign } from "./http-auth.ts";
import { ApiError, ask, type Totals } from "./information.ts";
import { httpUrl } from "./place.ts";

/** A method of NIP-86: what it takes, and what it answers. */
export interface Methods {
  supportedmethods: [[], string[]];
  stats: [[], Totals];
  listaudit: [[before?: number, limit?: number], AuditEntry[]];
  claim: [[token: string], true];

  banpubkey: [[pubkey: string, reason?: string], true];
  unbanpubkey: [[pubkey: string, reason?: string], true];
  keysummary: [[pubkey: string], KeySummary];
  listbannedpubkeys: [Page, ListedKey[]];
  allowpubkey: [[pubkey: string, reason?: string], true];
  unallowpubkey: [[pubkey: string, reason?: string], true];
  listallowedpubkeys: [Page, ListedKey[]];

  banevent: [[id: string, reason?: string], true];
  unbanevent: [[id: string], true];
  allowevent: [[id: string, reason?: string], true];
  unallowevent: [[id: string], true];
  listbannedevents: [Page, ListedEvent[]];
  listallowedevents: [Page, ListedEvent[]];
  listeventsneedingmoderation: [Page, ListedEvent[]];

  blockip: [[ip: string, reason?: string], true];
  unblockip: [[ip: string], true];
  listblockedips: [Page, { ip: string; reason?: string }[]];

  allowkind: [[kind: number], true];
  disallowkind: [[kind: number], true];
  listallowedkinds: [Page, number[]];
  listdisallowedkinds: [Page, number[]];

  changerelayname: [[name: string], true];
  changerelaydescription: [[description: string], true];
  changerelayicon: [[url: string], true];

  listsettings: [[], Setting[]];
  getsetting: [[name: string], Setting];
  setsetting: [[name: string, value: string], true];
  unsetsetting: [[name: string], true];

  grantadmin: [[pubkey: string, methods?: string[]], true];
  revokeadmin: [[pubkey: string, methods?: string[]], true];
  listadmins: [[], { pubkey: string; methods: string[] }[]];

  addmember: [[pubkey: string, reason?: string], true];
  removemember: [[pubkey: string, reason?: string], true];
  listmembers: [Page, Member[]];
  listinvites: [[], Invite[]];
  revokeinvite: [[idOrCode: string], true];
  createrole: [Role, true];
  editrole: [Role, true];
  deleterole: [[id: string], true];
  listroles: [[], RoleEntry[]];
  assignrole: [[pubkey: string, role: string], true];
  unassignrole: [[pubkey: string, role: string], true];
}

/** Of a list: how many entries, and behind which subject. */
type Page = [limit?: number, after?: string];
type Role = [id: string, label?: string, description?: string, color?: string, order?: number];

export interface ListedKey {
  pubkey: string;
  reason?: string;
}

export interface ListedEvent {
  id: string;
  reason?: string;
}

export interface Member {
  pubkey: string;
  roles: string[];
  inviter?: string;
  /** Unix seconds. */
  joined_at?: number;
  /** Unix seconds, to within a day; now if it is connected. */
  last_seen_at?: number;
  connected: boolean;
}

/** What a key has on the relay, in counts. */
export interface KeySummary {
  is_member: boolean;
  is_banned: boolean;
  /** 5,000 at most. */
  events: number;
  connections: number;
  subscriptions: number;
  invites: number;
}

export interface Invite {
  id: string;
  inviter: string;
  uses_left: number;
  created_at?: number;
  expires_at: number;
}

export interface RoleEntry {
  id: string;
  label?: string;
  description?: string;
  color?: string;
  order?: number;
}

/** A setting as it is now (R-05-79). */
export interface Setting {
  name: string;
  value: string | null;
  default: string | null;
  source: string;
  changeable: boolean;
  group: string;
  form: Readonly<Record<string, unknown>> & { type: string };
  /** The values it takes, and what holds without one. Markdown, as `help`. */
  values: string;
  unset: string;
  help: string;
  /** Why the stored value does not count. */
  problem?: string;
}

export interface AuditEntry {
  position: number;
  at: number;
  pubkey: string;
  method: string;
  params: unknown[];
}

const RPC = "application/nostr+json+rpc";

/** What a call answers: its result, and what the relay tells besides, as how many events a ban hides. */
export type Answer<T> = { result: T } & Readonly<Record<string, unknown>>;

/** Calls a method of the management (NIP-86, NIP-98). Throws {@link ApiError} with the relay's reason. */
export async function call<M extends keyof Methods>(
  sign: Sign,
  method: M,
  ...params: Methods[M][0]
): Promise<Methods[M][1]> {
  return (await callAll<Methods[M][1]>(sign, method, params)).result;
}

/** The same for a method by any name, with all of its answer. */
export async function callAll<T>(sign: Sign, method: string, params: readonly unknown[]): Promise<Answer<T>> {
  const body = JSON.stringify({ method, params });
  const headers = { "Content-Type": RPC, Authorization: await authorization(sign, httpUrl, "POST", body) };
  const response = await ask(httpUrl, { method: "POST", body, headers });
  let answer: Answer<T> & { error?: string };
  try {
    answer = (await response.json()) as Answer<T> & { error?: string };
  } catch {
    throw new ApiError(`The relay answers with ${response.status}, and not with a result.`, response.status);
  }
  if (answer.error) throw new ApiError(plainReason(answer.error), response.status);
  return answer;
}

/** A page of HTTP that needs a signature, as `/api/jobs`. Throws {@link ApiError}. */
export async function readSigned<T>(sign: Sign, pathAndQuery: string): Promise<T> {
  const url = new URL(pathAndQuery, httpUrl).href;
  const response = await ask(url, { headers: { Authorization: await authorization(sign, url, "GET") } });
  const text = await response.text();
  if (!response.ok) throw new ApiError(text.trim() || `The relay answers with ${response.status}.`, response.status);
  return JSON.parse(text) as T;
}

/** A reason without the word in front that is for programs. */
export function plainReason(reason: string): string {
  const text = reason.replace(/^[a-z-]+: /, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
