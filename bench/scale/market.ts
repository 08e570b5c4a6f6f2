import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { type Draft, type SignedEvent, Signer } from "../signer.ts";

export const MEMBERS = 5000;
const BUYERS = 2000;
const PROVIDERS = 50;

/** Kinds of requests, and how many of a hundred jobs are of each. */
const KINDS: readonly (readonly [kind: number, share: number])[] = [
  [5100, 80],
  [5050, 15],
  [5300, 5],
];

/** Seconds back over which the jobs of today are spread: none of their requests is past its retention. */
const TODAY = 18 * 3600;
const DAY = 86_400;

/** What becomes of a job; of a hundred as many as say so. */
const FATES = [
  ["answered", 60],
  ["paid", 8],
  ["partial, then answered", 5],
  ["payment asked", 4],
  ["failed", 8],
  ["failed twice", 3],
  ["in work", 4],
  ["partial", 2],
  ["about to expire", 3],
  ["silence", 3],
] as const;
type Fate = (typeof FATES)[number][0];

/** Members by their number; the first ones buy, the next ones provide. */
export const members: readonly Signer[] = Array.from({ length: MEMBERS }, (_, i) => new Signer(i + 100));
const buyers = members.slice(0, BUYERS);
const providers = members.slice(BUYERS, BUYERS + PROVIDERS);

/** What a file holds. */
export interface Market {
  /** Jobs of today, and those of days before, whose requests are past their retention. */
  jobs: number;
  earlier: number;
  /** Until when no event has expired, in Unix seconds. */
  good: number;
}

/**
 * Writes a market to a file, one event as JSON in each line: profiles, handlers, notes of years, jobs of the last days with what
 * their providers made of them. A tenth as many jobs as events are of today, a hundredth are earlier. `now` is in Unix seconds.
 */
export async function generateMarket(file: string, events: number, now: number): Promise<Market> {
  const market = { jobs: Math.floor(events / 10), earlier: Math.floor(events / 100), good: now + 1800 };
  const stream = createWriteStream(file);
  let [text, written] = ["", 0];
  const write = async (list: readonly SignedEvent[]) => {
    for (const event of list) text += `${JSON.stringify(event)}\n`;
    written += list.length;
    if (text.length < 1 << 20) return;
    if (!stream.write(text)) await once(stream, "drain");
    text = "";
  };
  for (const [i, member] of members.entries()) {
    await write([member.sign({ kind: 0, created_at: now - DAY, tags: [], content: `{"name":"member ${i}"}` })]);
  }
  await write(providers.map((provider, i) => handler(provider, i, now - DAY)));
  for (let i = 0; i < market.earlier; i++) await write(job(i, now - DAY - (i * 5 * DAY) / market.earlier, now));
  for (let i = 0; i < market.jobs; i++) {
    await write(job(i + market.earlier, now - TODAY + (i * (TODAY - 60)) / market.jobs, now));
  }
  for (let i = 0; written < events; i++) await write([note(i, now)]);
  stream.end(text);
  await once(stream, "finish");
  return market;
}

function handler(provider: Signer, i: number, created_at: number): SignedEvent {
  const tags = [["d", "main"], ...KINDS.slice(0, 1 + (i % 3)).map(([kind]) => ["k", `${kind}`])];
  return provider.sign({ kind: 31_990, created_at, tags, content: `{"name":"provider ${i}"}` });
}

function note(i: number, now: number): SignedEvent {
  const author = members[(i * 7919) % MEMBERS] as Signer;
  const created_at = now - 2 * DAY - ((i * 97) % (700 * DAY));
  return author.sign({
    kind: 1,
    created_at,
    tags: [["t", `topic${i % 97}`]],
    content: `note ${i} `.repeat(1 + (i % 20)),
  });
}

/** The request of a job and what comes of it. */
function job(i: number, made: number, now: number): SignedEvent[] {
  const created_at = Math.floor(made);
  const buyer = buyers[(i * 1009) % BUYERS] as Signer;
  const kind = pick(KINDS, (Math.floor(i / 100) * 61) % 100);
  const fate = pick<Fate>(FATES, (i * 37) % 100);
  const tags = [
    ["i", `question ${i}`, "text"],
    ...(fate === "about to expire" ? [["expiration", `${now + 1800 + (i % 600)}`]] : []),
  ];
  const request = buyer.sign({ kind, created_at, tags, content: "" });
  const by = (which: number) => providers[(i * 31 + which) % PROVIDERS] as Signer;
  const about = [
    ["e", request.id],
    ["p", request.pubkey],
  ];
  const feedback = (status: string, after: number, extra: string[][] = [], which = 0) =>
    by(which).sign({
      kind: 7000,
      created_at: created_at + after,
      tags: [...about, ["status", status], ...extra],
      content: "",
    });
  const result = (after: number, extra: string[][] = []): SignedEvent => {
    const draft: Draft = {
      kind: kind + 1000,
      created_at: created_at + after,
      tags: [...about, ...extra],
      content: `answer ${i}`,
    };
    return by(0).sign(draft);
  };
  const amount = [["amount", `${1000 * (1 + (i % 50))}`]];
  const seconds = 2 + (i % 40);
  const come: Record<Fate, () => SignedEvent[]> = {
    answered: () => [...(i % 3 === 0 ? [feedback("processing", 1)] : []), result(seconds)],
    paid: () => [feedback("payment-required", 1, amount), feedback("processing", 5), result(seconds + 5, amount)],
    "partial, then answered": () => [feedback("partial", 2), feedback("partial", 4), result(seconds + 5)],
    "payment asked": () => [feedback("payment-required", 1, amount)],
    failed: () => [feedback("error", seconds)],
    "failed twice": () => [feedback("error", 1), feedback("error", 3, [], 1)],
    "in work": () => [feedback("processing", 1)],
    partial: () => [feedback("processing", 1), feedback("partial", 5)],
    "about to expire": () => [],
    silence: () => [],
  };
  return [request, ...come[fate]()];
}

/** What of a list with shares of a hundred a number from 0 to 99 falls to. */
function pick<T>(list: readonly (readonly [T, number])[], number: number): T {
  let behind = 0;
  for (const [one, share] of list) {
    behind += share;
    if (number < behind) return one;
  }
  throw new Error("the shares are not a hundred");
}
