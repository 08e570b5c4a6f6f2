import type { RetentionFact } from "./retention.ts";

/** What NIP-11 says about a relay, before empty members are left out. */
export interface RelayFacts {
  name: string;
  description: string | undefined;
  pubkey: string | undefined;
  /** The relay's own key, with which it signs (NIP-43). */
  self: string | undefined;
  /** A URI, or an e-mail address, which becomes one (C-09). */
  contact: string | undefined;
  icon: string | undefined;
  banner: string | undefined;
  termsOfService: string | undefined;
  /** Nobody operates the relay yet, and a claim is open (R-05-85). */
  claimable: boolean;
  /** Who may read and who may write, in words; NIP-11 has no member for it. */
  access: { read: string; write: string };
  supportedNips: readonly number[];
  software: string;
  version: string;
  /** Numbers and flags, each as it is enforced (R-08-04). */
  limitation: Record<string, number | boolean | undefined>;
  /** Kinds that are not kept for ever; left out if there are none. */
  retention: readonly RetentionFact[];
}

/** The NIP-11 document (R-08-02): nothing empty, nothing null (R-06-24). */
export function relayInformation(facts: RelayFacts): string {
  return JSON.stringify({
    name: facts.name,
    description: facts.description,
    pubkey: facts.pubkey,
    self: facts.self,
    contact: facts.contact,
    icon: facts.icon,
    banner: facts.banner,
    terms_of_service: facts.termsOfService,
    supported_nips: facts.supportedNips,
    software: facts.software,
    version: facts.version,
    limitation: facts.limitation,
    access: facts.access,
    claimable: facts.claimable || undefined,
    retention: facts.retention.length === 0 ? undefined : facts.retention,
  });
}

/**
 * Whether an Accept header has the media range `type`: any position, any case, quality above zero (R-08-01).
 */
export function accepts(header: string | null, type: string): boolean {
  return (header ?? "").split(",").some((range) => {
    const [name, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    return name === type && !(quality !== undefined && Number(quality.slice(2)) === 0);
  });
}
