import { isLoopbackHost } from "../../protocol/relay-url.ts";
import { type Access, hasMembership, isOpen, type Mode, modeOf } from "./access.ts";

/** Who may read and who may write, in words: for the operator, the page and NIP-11. */
export function whoMay(access: Access): { read: string; write: string } {
  const { readAccess, writeAccess } = access.config;
  return { read: inWords(access, modeOf(access, readAccess)), write: inWords(access, modeOf(access, writeAccess)) };
}

function inWords(access: Access, mode: Mode): string {
  const hasMembers = hasMembership(access);
  switch (mode) {
    case "open":
      return access.config.authRequired ? "every key that logs in" : "everybody, without a login";
    case "authenticated":
      return "every key that logs in";
    case "allowed":
      return "keys on the allow list, and admins";
    case "members":
      return hasMembers ? "members, and admins" : "admins only, since the relay keeps no members";
    case "listed":
      return hasMembers ? "keys on the allow list, members, and admins" : "keys on the allow list, and admins";
  }
}

/** What an operator has to know about a relay that every key may use; undefined if there is nothing. */
export function warningOf(access: Access): string | undefined {
  const { url, readAccess, writeAccess } = access.config;
  const what = [
    ...(isOpen(modeOf(access, readAccess)) ? ["read from"] : []),
    ...(isOpen(modeOf(access, writeAccess)) ? ["publish to"] : []),
  ].join(" and ");
  if (what === "" || isLoopbackHost(new URL(url).hostname)) return undefined;
  const names = ["READ_ACCESS", "WRITE_ACCESS"].join(" and ");
  return `Warning: every key may ${what} ${url}. Set ${names} to allowed or members to keep others out.`;
}
