import { normalizeNetwork, prefixOf } from "../../protocol/ip-address.ts";
import type { AccessLists } from "../ports.ts";

/** Addresses and IPv6 networks from which nobody may connect. */
export class Blocked {
  readonly #lists: AccessLists;
  #revision = -1;
  /** Bits of the IPv6 networks, each length once. */
  #lengths: number[] = [];

  /** An IPv6 address that was blocked by itself becomes its network. */
  constructor(lists: AccessLists) {
    this.#lists = lists;
    for (const [ip, reason] of lists.entries("blocked-ip")) {
      const network = normalizeNetwork(ip) ?? ip;
      if (network === ip) continue;
      lists.remove("blocked-ip", ip);
      lists.put("blocked-ip", network, reason);
    }
  }

  /** Whether a normalized address is blocked. */
  has(ip: string): boolean {
    const lists = this.#lists;
    if (lists.size("blocked-ip") === 0) return false;
    if (!ip.includes(":")) return lists.has("blocked-ip", ip);
    if (this.#revision !== lists.revision) {
      this.#revision = lists.revision;
      this.#lengths = [...new Set(lists.entries("blocked-ip").flatMap(([ip]) => ip.split("/").slice(1).map(Number)))];
    }
    return this.#lengths.some((bits) => lists.has("blocked-ip", prefixOf(ip, bits)));
  }
}
