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
      return "keys on the allow list and admins";
    case "members":
      return hasMembers ? "members and admins" : "admins only, since the relay keeps no members";
    case "listed":
      return hasMembers ? "keys on the allow list, members and admins" : "keys on the allow list and admins";
  }
}

/** Whether every key may read and publish. */
export function isOpenToAll(access: Access): boolean {
  const { readAccess, writeAccess } = access.config;
  return [readAccess, writeAccess].every((variable) => isOpen(modeOf(access, variable)));
}

/** What an operator has to know about a relay that every key may use; undefined if there is nothing. */
export function warningOf(access: Access): string | undefined {
  const { url, readAccess, writeAccess, allowedOrigins } = access.config;
  const isReadable = isOpen(modeOf(access, readAccess));
  if (isLoopbackHost(new URL(url).hostname)) {
    if (!isReadable || allowedOrigins !== undefined) return undefined;
    return "Warning: every web page that you visit may read this relay. Set READ_ACCESS or ALLOWED_ORIGINS to prevent that, or let only members in, on its page.";
  }
  const isWritable = isOpen(modeOf(access, writeAccess));
  if (!isReadable && !isWritable) return undefined;
  const what = [isReadable ? "read from" : "", isWritable ? "publish to" : ""].filter(Boolean).join(" and ");
  return `Warning: every key may ${what} ${url}. Set READ_ACCESS and WRITE_ACCESS to allowed or members to prevent that.`;
}
