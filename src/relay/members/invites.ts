import type { Crypto } from "../../protocol/crypto/secp256k1.ts";
import type { Reason } from "../../protocol/reason.ts";
import { type Access, isAdmin, mayInvite } from "../access/access.ts";

/** Invites of one inviter that are kept, used-up ones included until they expire: the list has room for all members. */
const MAX_OF_ADMIN = 20;
const MAX_OF_MEMBER = 4;

/** What an admin is told of an invite: not the code, which is its holder's. */
export interface InviteInfo {
  /** Hash of the code. */
  id: string;
  inviter: string;
  uses_left: number;
  /** Unix seconds. */
  created_at: number | undefined;
  expires_at: number;
}

interface Invite {
  /** 128 random bits. */
  code: string;
  /** Who asked for it. */
  by: string;
  /** When, in Unix seconds; older ones do not say. */
  at?: number;
  /** How often it may still be used. */
  left: number;
  /** Unix seconds. */
  expires: number;
}

/** Invite codes (R-05-64, R-05-67): found by their hash, so that the time of a look-up tells nothing about a code. */
export class Invites {
  readonly #access: Access;
  readonly #crypto: Crypto;
  readonly #randomHex: (bytes: number) => string;
  /** By hash. */
  #invites = new Map<string, Invite>();

  /** `randomHex` gives so many random bytes. */
  constructor(access: Access, crypto: Crypto, randomHex: (bytes: number) => string) {
    this.#randomHex = randomHex;
    this.#access = access;
    this.#crypto = crypto;
    this.reload();
  }

  /** Takes back what a transaction that failed has done in memory. */
  reload(): void {
    const { lists } = this.#access;
    this.#invites = new Map(lists.entries("invite").map(([hash, detail]) => [hash, JSON.parse(detail) as Invite]));
  }

  /** Why a code does not open the relay at `now`, in seconds; undefined if it does. */
  refuse(code: string, now: number): Reason | undefined {
    const invite = this.#find(code);
    if (invite === undefined || !mayInvite(this.#access, invite.by)) {
      return "restricted: that is an invalid invite code";
    }
    if (now >= invite.expires) return "restricted: that invite code has expired";
    return invite.left === 0 ? "restricted: that invite code has been used up" : undefined;
  }

  /** Takes one use off a code that {@link refuse} has found good. */
  use(code: string): void {
    const invite = this.#find(code);
    if (invite !== undefined) this.#put({ ...invite, left: invite.left - 1 });
  }

  /** Who asked for a code. */
  inviterOf(code: string): string | undefined {
    return this.#find(code)?.by;
  }

  /** By what admins know a code. */
  idOf(code: string): string {
    return this.#crypto.sha256(code);
  }

  /** The invites that have not expired at `now`, in seconds, by their ids. */
  list(now: number): InviteInfo[] {
    return [...this.#invites]
      .filter(([, { expires }]) => now < expires)
      .map(([id, { by, left, at, expires }]) => {
        return { id, inviter: by, uses_left: left, created_at: at, expires_at: expires };
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Takes an invite back, by its id or its code. Whether there was one. */
  revoke(idOrCode: string): boolean {
    const invite = this.#invites.get(idOrCode) ?? this.#find(idOrCode);
    if (invite !== undefined) this.#remove(invite);
    return invite !== undefined;
  }

  /**
   * A fresh code for an inviter (R-05-67). Where there is no room, another of the same inviter gives way: one that is used
   * up, else the oldest that nobody has used, else the oldest. Undefined if others fill the list.
   */
  codeFor(inviter: string, now: number): string | undefined {
    this.#prune(now);
    const { inviteUses, inviteTtl } = this.#access.config;
    const own = [...this.#invites.values()].filter(({ by }) => by === inviter).sort((a, b) => a.expires - b.expires);
    const leastMissed = own.find(({ left }) => left === 0) ?? own.find(({ left }) => left >= inviteUses) ?? own[0];
    const code = this.#randomHex(16);
    const invite = { code, by: inviter, at: now, left: inviteUses, expires: now + inviteTtl };
    const most = isAdmin(this.#access, inviter) ? MAX_OF_ADMIN : MAX_OF_MEMBER;
    let isKept = own.length < most && this.#put(invite);
    if (!isKept && leastMissed !== undefined) {
      this.#remove(leastMissed);
      isKept = this.#put(invite);
    }
    return isKept ? code : undefined;
  }

  #find(code: string): Invite | undefined {
    return this.#invites.get(this.idOf(code));
  }

  #put(invite: Invite): boolean {
    const hash = this.idOf(invite.code);
    if (!this.#access.lists.put("invite", hash, JSON.stringify(invite))) return false;
    this.#invites.set(hash, invite);
    return true;
  }

  #remove({ code }: Invite): void {
    const hash = this.idOf(code);
    this.#access.lists.remove("invite", hash);
    this.#invites.delete(hash);
  }

  #prune(now: number): void {
    for (const invite of [...this.#invites.values()]) if (now >= invite.expires) this.#remove(invite);
  }
}
