import type { Reason } from "../../protocol/reason.ts";
import { type Config, keepsMembers } from "../config/config.ts";
import type { AccessLists } from "../ports.ts";

/** Who may do what: the configuration, and the lists that management changes while the relay runs. */
export interface Access {
  config: Config;
  lists: AccessLists;
}

/** Keys that the configuration names, and the one that has claimed the relay: they may always read, write and invite, and nobody may ban them. */
export function isOperator({ config, lists }: Access, pubkey: string): boolean {
  return isConfigured(config, pubkey) || lists.has("operator", pubkey);
}

/** Whether the configuration makes a key an operator. */
export function isConfigured(config: Config, pubkey: string): boolean {
  return config.pubkey === pubkey || config.adminPubkeys.includes(pubkey);
}

/** Whether somebody operates the relay. */
export function hasOperator({ config, lists }: Access): boolean {
  return config.pubkey !== undefined || config.adminPubkeys.length > 0 || lists.size("operator") > 0;
}

/** Operators, and those whom one of them has granted management methods. */
export function isAdmin(access: Access, pubkey: string): boolean {
  return isOperator(access, pubkey) || access.lists.has("admin", pubkey);
}

/** Whether the relay keeps members. */
export function hasMembership({ config }: Access): boolean {
  return keepsMembers(config);
}

/** Whether a key may ask for invite codes, and whether those that it asked for are still good. */
export function mayInvite(access: Access, pubkey: string): boolean {
  const { config, lists } = access;
  if (isOperator(access, pubkey)) return true;
  if (lists.has("banned-pubkey", pubkey)) return false;
  return isAdmin(access, pubkey) || (config.inviteAccess === "members" && lists.has("member", pubkey));
}

/**
 * Why a connection with these authenticated keys may not read; undefined if it may. One banned key is enough to be
 * refused, one allowed key to be let in.
 */
export function refuseReader(access: Access, authed: ReadonlySet<string>): Reason | undefined {
  return refuseBanned(access, authed) ?? refuseMode(access, authed, access.config.readAccess, "read from");
}

/** The same for publishing. Who the author of the event is, is another question (`policy/banned.ts`). */
export function refuseWriter(access: Access, authed: ReadonlySet<string>): Reason | undefined {
  return refuseBanned(access, authed) ?? refuseMode(access, authed, access.config.writeAccess, "write to");
}

/** Whether some keys are kept from writing, as NIP-11 says in `restricted_writes`. */
export function restrictsWrites(access: Access): boolean {
  return !isOpen(modeOf(access, access.config.writeAccess));
}

/** Who counts: a value of `READ_ACCESS` or `WRITE_ACCESS`, or `listed`, the allow list and members. */
export type Mode = NonNullable<Config["readAccess"]> | "listed";

/**
 * The mode of a variable. One that is not set is `open` until the allow list has had an entry, and `listed` from then on:
 * only the operator opens the relay again, with the variable (R-05-58).
 */
export function modeOf({ lists }: Access, variable: Config["readAccess"]): Mode {
  if (variable !== undefined) return variable;
  return lists.size("allowed-pubkey") > 0 || lists.has("setting", "closed") ? "listed" : "open";
}

/** Whether every key is let in. */
export function isOpen(mode: Mode): boolean {
  return mode === "open" || mode === "authenticated";
}

/** Whether the allow list decides, or would with its first entry, about reading or writing. */
export function usesAllowList({ config }: Access): boolean {
  return [config.readAccess, config.writeAccess].some((mode) => mode === undefined || mode === "allowed");
}

/** Takes a key off the allow list, which counts as in use from now on, also when it is empty. */
export function removeAllowed({ lists }: Access, key: string): void {
  if (lists.remove("allowed-pubkey", key)) lists.put("setting", "closed", "");
}

/** Why a connection with these keys is shut out; undefined if none of them is banned. */
export function refuseBanned({ lists }: Access, authed: ReadonlySet<string>): Reason | undefined {
  if (lists.size("banned-pubkey") === 0) return undefined;
  for (const key of authed) if (lists.has("banned-pubkey", key)) return "blocked: this key is banned";
  return undefined;
}

function refuseMode(
  access: Access,
  authed: ReadonlySet<string>,
  variable: Config["readAccess"],
  what: string,
): Reason | undefined {
  const mode = modeOf(access, variable);
  if (mode === "open") return undefined;
  // With `AUTH_REQUIRED=false` too: every other mode is about keys.
  if (authed.size === 0) return `auth-required: only known keys may ${what} this relay`;
  if (mode === "authenticated") return undefined;
  for (const key of authed) if (isLetIn(access, key, mode)) return undefined;
  return mode !== "allowed" && hasMembership(access)
    ? `restricted: only members may ${what} this relay, join with an invite code`
    : `restricted: only keys on the allow list may ${what} this relay`;
}

function isLetIn(access: Access, key: string, mode: Mode): boolean {
  if (isAdmin(access, key)) return true;
  const isMember = mode !== "allowed" && hasMembership(access) && access.lists.has("member", key);
  return isMember || (mode !== "members" && access.lists.has("allowed-pubkey", key));
}
