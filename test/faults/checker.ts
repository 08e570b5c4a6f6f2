import { type Filter as EventFilter, matchFilter } from "nostr-tools/filter";
import type { Event } from "nostr-tools/pure";
import { key, now, signed } from "../support/keys.ts";
import type { Entry, Ledger } from "./ledger.ts";
import { type Heard, Party, type Place } from "./party.ts";

/** What was found after a fault. `problems` is empty if the relay kept its word. */
export interface Findings {
  acknowledged: number;
  unanswered: number;
  /** Acknowledged, and not there: in the store, or for a subscription. */
  lost: number;
  /** More than once: stored versions of an address, or live events of a subscription. */
  doubled: number;
  /** Subscriptions that are neither served nor CLOSED. */
  dead: number;
  problems: string[];
}

const PROBE_MS = 10_000;
const IDS_AT_ONCE = 200;
/** A query returns no more than so many. */
const MAX_LIMIT = 5000;
const COUNTED_KINDS = [1, 5, 5050, 7000, 10_002, 30_023];

let serial = 0;

/** Holds a relay against everything it has acknowledged: what is stored, what was delivered, who is still served. */
export async function check(
  place: Place,
  ledger: Ledger,
  parties: readonly Party[],
  /** Events that may be gone by themselves, because of their age. */
  mayBeGone: (event: Event) => boolean = () => false,
): Promise<Findings> {
  const findings: Findings = { acknowledged: 0, unanswered: 0, lost: 0, doubled: 0, dead: 0, problems: [] };
  findings.acknowledged = ledger.acknowledged.length;
  findings.unanswered = ledger.unanswered.length;
  const health = await place.health();
  if (health !== "ok") findings.problems.push(`/health says ${health}`);
  // A new client, with a key of its own: it can log in, publish and query.
  const reader = await Party.login(place, key(10_000 + ++serial), ledger);
  const own = signed(reader.key, { content: `new client ${serial}` });
  if ((await reader.publish(own))?.[2] !== true) findings.problems.push("a new client cannot publish");
  await checkStored(reader, ledger, findings, mayBeGone);
  await checkCounts(reader, findings);
  const open = parties.filter(({ isClosed }) => !isClosed);
  for (const party of open) await party.settled();
  for (const party of parties) checkDelivered(party, ledger, findings, mayBeGone);
  await checkAlive(reader, open, ledger, findings);
  reader.leave();
  return findings;
}

async function checkStored(
  reader: Party,
  ledger: Ledger,
  findings: Findings,
  mayBeGone: (event: Event) => boolean,
): Promise<void> {
  const { deleted, doubtful } = erasedBy(ledger);
  const found = await lookUp(reader, [...ledger.entries.keys()]);
  const addresses = new Map<string, Entry[]>();
  for (const entry of ledger.entries.values()) {
    const { event, ok, isGenuine } = entry;
    const stored = found.get(event.id);
    if (stored !== undefined && JSON.stringify(sorted(stored)) !== JSON.stringify(sorted(event))) {
      findings.problems.push(`stored otherwise than it was sent: ${event.id}`);
    }
    const address = addressOf(event);
    if (address !== undefined) addresses.set(address, [...(addresses.get(address) ?? []), entry]);
    else if (ok?.accepted && !isEphemeral(event) && !deleted.has(event.id) && !doubtful.has(event.id)) {
      if (stored === undefined && !mayBeGone(event))
        lose(findings, `acknowledged and not stored: ${JSON.stringify(event)}`);
    }
    if (stored === undefined) continue;
    if (isEphemeral(event)) findings.problems.push(`stored, though ephemeral: ${event.id}`);
    if (deleted.has(event.id)) findings.problems.push(`deleted and still there: ${event.id}`);
    if (!isGenuine || ok?.accepted === false) findings.problems.push(`refused (${ok?.reason}) and stored: ${event.id}`);
  }
  for (const [address, entries] of addresses) await checkAddress(reader, address, entries, findings);
}

/** What is counted in memory is what is stored (R-05-34). */
async function checkCounts(reader: Party, findings: Findings): Promise<void> {
  for (const kind of COUNTED_KINDS) {
    const stored = (await reader.query({ kinds: [kind], limit: MAX_LIMIT }))?.length;
    const count = await reader.count({ kinds: [kind] });
    if (stored !== MAX_LIMIT && count !== stored) {
      findings.problems.push(`${stored} events of kind ${kind} and a COUNT of ${count}`);
    }
  }
}

/** One version, and none that the newest acknowledged one supersedes. */
async function checkAddress(reader: Party, address: string, entries: Entry[], findings: Findings): Promise<void> {
  const [kind, author, d] = address.split(":") as [string, string, string];
  const filter = { kinds: [Number(kind)], authors: [author], ...(d === "" ? {} : { "#d": [d] }) };
  const versions = (await reader.query(filter)) ?? [];
  if (versions.length > 1) {
    findings.doubled++;
    findings.problems.push(`${versions.length} versions of ${address}`);
  }
  const winner = entries.filter(({ ok }) => ok?.accepted).sort((a, b) => compare(a.event, b.event))[0]?.event;
  const [stored] = versions;
  if (winner === undefined || stored?.id === winner.id) return;
  const isUnanswered = entries.some(({ event, ok, isGenuine }) => event.id === stored?.id && isGenuine && !ok);
  if (stored !== undefined && isUnanswered && compare(stored, winner) < 0) return;
  lose(findings, `${address} should be ${winner.id} and is ${stored?.id}`);
}

/** R-03-20, R-03-21: what matched a subscription came once. */
function checkDelivered(party: Party, ledger: Ledger, findings: Findings, mayBeGone: (event: Event) => boolean): void {
  findings.problems.push(...party.problems);
  const { deleted, doubtful } = erasedBy(ledger);
  for (const heard of party.subscriptions.values()) {
    for (const { event, ok, sentAt, isGenuine } of ledger.entries.values()) {
      const count = heard.received.get(event.id) ?? 0;
      if (count > 1) {
        findings.doubled++;
        findings.problems.push(`${count} times for ${heard.id}: ${JSON.stringify(event)}`);
      }
      const isRefused = !isGenuine || ok?.accepted === false;
      if (count > 0 && isRefused) findings.problems.push(`refused (${ok?.reason}) and delivered: ${event.id}`);
      if (count > 0 || !ok?.accepted || party.isClosed || heard.closed !== undefined) continue;
      if (heard.liveFrom === undefined || !matchFilter(heard.filter, event)) continue;
      const isLasting = addressOf(event) === undefined && !isEphemeral(event);
      const isStored = isLasting && !mayBeGone(event) && !deleted.has(event.id) && !doubtful.has(event.id);
      if (sentAt > heard.liveFrom || isStored) lose(findings, `never came for ${heard.id}: ${JSON.stringify(event)}`);
    }
  }
}

/** Publishes one event for each subscription that is open, and sees it arrive once. */
async function checkAlive(reader: Party, parties: readonly Party[], ledger: Ledger, findings: Findings): Promise<void> {
  const open = parties.flatMap((party) =>
    [...party.subscriptions.values()].filter(({ closed }) => closed === undefined),
  );
  const probes = new Map<string, Event>();
  for (const { filter } of open) {
    const text = JSON.stringify(filter);
    if (!probes.has(text)) probes.set(text, probeFor(reader, filter));
  }
  for (const probe of probes.values()) {
    const ok = await reader.publish(probe);
    if (ok?.[2] !== true) findings.problems.push(`probe refused: ${JSON.stringify(ok)}`);
  }
  const expected = (heard: Heard) => [...probes.values()].filter((probe) => matchFilter(heard.filter, probe));
  const isServed = (heard: Heard) => expected(heard).every(({ id }) => heard.received.has(id));
  const deadline = Date.now() + PROBE_MS;
  while (Date.now() < deadline && !open.every((heard) => heard.closed !== undefined || isServed(heard))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const party of parties) await party.settled();
  for (const heard of open) {
    if (heard.closed !== undefined) continue;
    if (!isServed(heard)) {
      findings.dead++;
      findings.problems.push(`dead: ${heard.id} ${JSON.stringify(heard.filter)}`);
    }
    for (const { id } of expected(heard)) if ((heard.received.get(id) ?? 0) > 1) findings.doubled++;
  }
  // They are no part of what is looked at next time.
  for (const { id } of probes.values()) ledger.entries.delete(id);
}

function probeFor(reader: Party, filter: EventFilter): Event {
  const tags = Object.entries(filter).flatMap(([name, values]) => {
    return name.startsWith("#") ? [[name.slice(1), (values as string[])[0] as string]] : [];
  });
  // What jobs and their results must have, and does no harm to others.
  tags.push(["d", `probe ${++serial}`], ["e", "0".repeat(64)], ["p", reader.key.pubkey], ["status", "processing"]);
  const created_at = now() + 1;
  return signed(reader.key, { kind: filter.kinds?.at(-1) ?? 1, created_at, tags, content: `probe ${serial}` });
}

async function lookUp(reader: Party, ids: string[]): Promise<Map<string, Event>> {
  const found = new Map<string, Event>();
  for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
    const events = await reader.query({ ids: ids.slice(from, from + IDS_AT_ONCE) });
    if (events === undefined) throw new Error("a query by ids is not answered");
    for (const event of events) found.set(event.id, event);
  }
  return found;
}

/** Targets of deletions: those that were acknowledged, and those that may have been carried out. */
function erasedBy(ledger: Ledger): { deleted: Set<string>; doubtful: Set<string> } {
  const deleted = new Set<string>();
  const doubtful = new Set<string>();
  for (const { event, ok, isGenuine } of ledger.entries.values()) {
    if (event.kind !== 5 || !isGenuine || ok?.accepted === false) continue;
    for (const [name, id] of event.tags) if (name === "e" && id !== undefined) (ok ? deleted : doubtful).add(id);
  }
  return { deleted, doubtful };
}

function lose(findings: Findings, what: string): void {
  findings.lost++;
  findings.problems.push(what);
}

function isEphemeral({ kind }: Event): boolean {
  return kind >= 20_000 && kind < 30_000;
}

/** `kind:pubkey:d` of what has an address. */
function addressOf({ kind, pubkey, tags }: Event): string | undefined {
  if (kind === 0 || kind === 3 || (kind >= 10_000 && kind < 20_000)) return `${kind}:${pubkey}:`;
  if (kind < 30_000 || kind >= 40_000) return undefined;
  return `${kind}:${pubkey}:${tags.find(([name]) => name === "d")?.[1] ?? ""}`;
}

/** Newest first, ties by the lower id: the first of an address is its winner. */
function compare(a: Event, b: Event): number {
  return b.created_at - a.created_at || (a.id < b.id ? -1 : 1);
}

function sorted(event: Event): Event {
  return Object.fromEntries(Object.entries(event).sort(([a], [b]) => (a < b ? -1 : 1))) as unknown as Event;
}
