import type { Reason } from "../../protocol/reason.ts";
import { parseRole, type Role, type RoleParts } from "../../protocol/role.ts";
import type { Access } from "../access/access.ts";

/** Roles at most. */
const MAX_ROLES = 100;

/** Bytes of the membership list at most: it is one event, and the platform keeps no row above 2 MB. */
const MAX_LIST_BYTES = 1_000_000;

/** What is in the tag of one member besides its roles, in bytes. */
const MEMBER_BYTES = 64 + '["member",""],'.length;

/** A member that is here is noted once in so many seconds: a day. */
const SEEN_SECONDS = 86_400;

/** How a key became a member, and when it was last noted that it is here; what was not recorded is missing. Times in Unix seconds. */
export interface Joined {
  /** Who admitted it. */
  by?: string;
  at?: number;
  seen?: number;
}

/** What the list of members makes known to others. */
export interface MemberChanges {
  /** Something is to be published: `key:` and a member, `role:` and a role, or `members`. */
  owe(subject: string): void;
}

/**
 * Members and their roles (NIP-43). Every change counts at once and is durable with the turn in which it is made; the
 * relay's events about it follow. What is so already is no error.
 */
export class Members {
  readonly #access: Access;
  readonly #changes: MemberChanges;

  constructor(access: Access, changes: MemberChanges) {
    this.#access = access;
    this.#changes = changes;
  }

  has(pubkey: string): boolean {
    return this.#access.lists.has("member", pubkey);
  }

  /** Members in the order of their keys, each with the ids of its roles. */
  all(): [pubkey: string, roles: string[]][] {
    return this.#access.lists.entries("member").map(([pubkey, roles]) => [pubkey, JSON.parse(roles) as string[]]);
  }

  addMember(pubkey: string, joined: Joined): Reason | undefined {
    return this.has(pubkey) ? undefined : this.#put(pubkey, [], joined);
  }

  /** How a key became a member; undefined where that was not recorded. */
  joined(pubkey: string): Joined | undefined {
    const detail = this.#access.lists.get("joined", pubkey);
    return detail === undefined ? undefined : (JSON.parse(detail) as Joined);
  }

  /** Notes at a time that a key is here, if it is a member: one row in {@link SEEN_SECONDS} at most (R-05-87). */
  noteSeen(pubkey: string, now: number): void {
    if (!this.has(pubkey)) return;
    const joined = this.joined(pubkey);
    if (joined?.seen !== undefined && Math.abs(now - joined.seen) < SEEN_SECONDS) return;
    this.#access.lists.put("joined", pubkey, JSON.stringify({ ...joined, seen: now }));
  }

  /** Ends a membership with its roles. Whether the key was a member; what it may no longer read is the caller's to end. */
  removeMember(pubkey: string): boolean {
    if (!this.#access.lists.remove("member", pubkey)) return false;
    this.#access.lists.remove("joined", pubkey);
    this.#changes.owe(`key:${pubkey}`);
    return true;
  }

  /** In the order of their ids. */
  roles(): Role[] {
    return this.#access.lists.entries("role").map(([, detail]) => JSON.parse(detail) as Role);
  }

  role(id: string): Role | undefined {
    const detail = this.#access.lists.get("role", id);
    return detail === undefined ? undefined : (JSON.parse(detail) as Role);
  }

  /** Adds a role, or changes the one of that id. */
  createRole(parts: RoleParts): Reason | undefined {
    const { lists } = this.#access;
    const parsed = parseRole(parts);
    if (!parsed.ok) return parsed.reason;
    const role = parsed.value;
    if (!lists.has("role", role.id) && lists.size("role") >= MAX_ROLES) {
      return `restricted: there are ${MAX_ROLES} roles already, delete one first`;
    }
    const detail = JSON.stringify(role);
    if (lists.get("role", role.id) === detail) return undefined;
    lists.put("role", role.id, detail);
    this.#changes.owe(`role:${role.id}`);
    return undefined;
  }

  editRole(parts: RoleParts): Reason | undefined {
    const isThere = typeof parts.id === "string" && this.#access.lists.has("role", parts.id);
    return isThere ? this.createRole(parts) : NO_ROLE;
  }

  /** Takes the role off all members as well. Writes one row for each that had it. */
  deleteRole(id: string): Reason | undefined {
    if (!this.#access.lists.remove("role", id)) return undefined;
    this.#changes.owe(`role:${id}`);
    for (const [pubkey, roles] of this.all()) if (roles.includes(id)) this.unassignRole(pubkey, id);
    return undefined;
  }

  /** Makes the key a member if it is none. */
  assignRole(pubkey: string, id: string, joined: Joined): Reason | undefined {
    if (!this.#access.lists.has("role", id)) return NO_ROLE;
    const roles = this.#rolesOf(pubkey);
    return roles.includes(id) ? undefined : this.#put(pubkey, [...roles, id], joined);
  }

  unassignRole(pubkey: string, id: string): Reason | undefined {
    const roles = this.#rolesOf(pubkey);
    if (!roles.includes(id)) return undefined;
    const rest = roles.filter((role) => role !== id);
    this.#access.lists.put("member", pubkey, JSON.stringify(rest));
    this.#changes.owe("members");
    return undefined;
  }

  #rolesOf(pubkey: string): string[] {
    return JSON.parse(this.#access.lists.get("member", pubkey) ?? "[]") as string[];
  }

  #put(pubkey: string, roles: string[], joined: Joined): Reason | undefined {
    const { config, lists } = this.#access;
    if (lists.has("banned-pubkey", pubkey)) return "blocked: this key is banned";
    const isNew = !this.has(pubkey);
    const detail = JSON.stringify(roles);
    const isFull = (isNew && lists.size("member") >= config.maxMembers) || this.#bytesWith(detail) > MAX_LIST_BYTES;
    if (isFull) return "restricted: the list of members is full, no invite code opens it";
    lists.put("member", pubkey, detail);
    if (isNew) lists.put("joined", pubkey, JSON.stringify(joined));
    this.#changes.owe(isNew ? `key:${pubkey}` : "members");
    return undefined;
  }

  /** Bytes of the list with one more entry, about. */
  #bytesWith(detail: string): number {
    let bytes = encoder.encode(detail).length + MEMBER_BYTES;
    for (const [, roles] of this.#access.lists.entries("member")) bytes += encoder.encode(roles).length + MEMBER_BYTES;
    return bytes;
  }
}

const NO_ROLE: Reason = "invalid: there is no such role";

const encoder = new TextEncoder();
