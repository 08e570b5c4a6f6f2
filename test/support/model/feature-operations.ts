import type { Event } from "nostr-tools/pure";
import { RELAY_URL } from "../client.ts";
import type { Random } from "../random.ts";
import {
  type Draft,
  JOB_KINDS,
  KEYS,
  NO_JOB_KINDS,
  PRIVATE_EPHEMERAL_KIND,
  PRIVATE_KINDS,
  randomDraft,
  TIME_SPAN,
} from "./drafts.ts";
import { DELETION, RETENTION_JOB, RETENTION_RESULT, VANISH, WRAP } from "./naive-features.ts";
import { addressOf } from "./naive-rules.ts";
import { type Content, type Operation, publish, type State } from "./steps.ts";

/** Deletion, expiry, vanishing, protected events and jobs: the operations of sections 5.1 to 5.5 and 7.1. */
export const FEATURE_MESSAGES: readonly Operation[] = [
  { name: "delete", weight: 7, generate: deleteStored },
  { name: "delete in advance", weight: 5, generate: deleteUnseen },
  { name: "delete a wrap", weight: 2, generate: deleteWrap },
  { name: "resubmit", weight: 6, generate: resubmit },
  { name: "expire", weight: 6, generate: (random, { oracle }) => publish(expiring(random, oracle)) },
  { name: "vanish", weight: 2, generate: vanish },
  { name: "publish around a cut-off", weight: 4, generate: aroundCutoff },
  { name: "protect", weight: 3, generate: protectedEvent },
  { name: "repost", weight: 2, generate: repost },
  { name: "job", weight: 6, generate: (random, { oracle }) => publish(job(random, oracle)) },
];

const ANY_KIND = [1, 1, 7, 0, 10002, 30023, 31234, 20001, PRIVATE_EPHEMERAL_KIND, ...PRIVATE_KINDS, WRAP, 5050];

function time(random: Random, now: number): number {
  return now - random.int(0, TIME_SPAN);
}

/** Often just that of another event, which is a bound of R-05-07. */
function timeOf(random: Random, event: { created_at: number } | undefined, now: number): number {
  return event !== undefined && random.chance(0.4) ? event.created_at : time(random, now);
}

function keyOf(pubkey: string | undefined): number | undefined {
  const found = KEYS.findIndex((key) => key.pubkey === pubkey);
  return found < 0 ? undefined : found;
}

function someone(random: Random): number {
  return random.int(0, KEYS.length - 1);
}

function deletion(random: Random, by: number, created_at: number, tags: string[][]): Content {
  return publish({ by, kind: DELETION, created_at, tags, content: String(random.int(0, 99)) });
}

/** Mostly own events, by id or address, among others', unknown ones and what is no id and no address. */
function deleteStored(random: Random, { oracle }: State): Content {
  const events = oracle.archive.events;
  const targets = random.some(events, 1, 4);
  const author = keyOf(targets[0]?.pubkey);
  const by = author !== undefined && random.chance(0.8) ? author : someone(random);
  const tags = targets.flatMap((target) => tagsFor(random, target));
  if (random.chance(0.3)) tags.push(...random.some(malformed(by), 1, 4));
  return deletion(random, by, timeOf(random, targets[0], oracle.now), random.shuffle(tags));
}

function tagsFor(random: Random, target: Event): string[][] {
  const address = addressOf(target);
  if (address !== undefined && random.chance(0.6)) return [["a", address]];
  return [["e", target.id], ...(random.chance(0.3) ? [["k", random.pick([String(target.kind), "1"])]] : [])];
}

/** What R-05-04 and R-05-09 have no effect of. */
function malformed(by: number): string[][] {
  const own = KEYS[by]?.pubkey;
  const other = KEYS[(by + 1) % KEYS.length]?.pubkey;
  return [
    ["e"],
    ["e", ""],
    ["e", "abc"],
    ["e", "F".repeat(64)],
    ["a"],
    ["a", ""],
    ["a", `1:${own}:`],
    ["a", `70000:${own}:x`],
    ["a", `-1:${own}:`],
    ["a", `x:${own}:`],
    ["a", `0:${own}`],
    ["a", `10002:${own}:x`],
    ["a", `30023:${own?.toUpperCase()}:x`],
    ["a", `0:${other}:`],
    ["a", `30023:${other}:x`],
    ["E", "f".repeat(64)],
    ["k", "x"],
  ];
}

/** The tombstone comes before what it is for, which `resend` may publish later: it has been signed here. */
function deleteUnseen(random: Random, { oracle, signer }: State): Content {
  const { now } = oracle;
  const target = { ...randomDraft(random, ANY_KIND, now), created_at: now - random.int(-5, TIME_SPAN) };
  const event = signer.sign(target);
  const recipient = keyOf(event.tags.find(([name]) => name === "p")?.[1]);
  const by = random.pick([target.by, target.by, recipient ?? someone(random), someone(random)]);
  const address = addressOf(event);
  const tag = address !== undefined && random.chance(0.6) ? ["a", address] : ["e", event.id];
  return deletion(random, by, timeOf(random, event, now + 5), [tag]);
}

/** By its recipient, its author or anybody (R-05-03). */
function deleteWrap(random: Random, { oracle }: State): Content | undefined {
  const wraps = oracle.events.filter(({ kind }) => kind === WRAP);
  if (wraps.length === 0) return undefined;
  const wrap = random.pick(wraps);
  const recipient = keyOf(wrap.tags.findLast(([name]) => name === "p")?.[1]);
  const by = random.chance(0.7) ? recipient : someone(random);
  return deletion(random, by ?? someone(random), time(random, oracle.now), [["e", wrap.id]]);
}

/** Something erased comes again, or something near its address. */
function resubmit(random: Random, { oracle, signer }: State): Content | undefined {
  const { removed } = oracle.archive;
  const draft = removed.length === 0 ? undefined : signer.draftOf(random.pick(removed.slice(-40)));
  if (draft === undefined) return undefined;
  const { by, kind, tags, created_at } = draft;
  const newer: Draft = { by, kind, tags, created_at: created_at + random.int(0, 5), content: "again" };
  return publish(random.pick([draft, draft, { ...draft, copy: 2 }, newer]));
}

/** Some seconds ahead; sometimes over already, sometimes no number. */
function expiring(random: Random, oracle: State["oracle"]): Draft {
  const { now } = oracle;
  const draft = random.chance(0.2) ? job(random, oracle) : randomDraft(random, ANY_KIND, now);
  const ahead = String(now + random.int(1, 8));
  const value = random.pick([ahead, ahead, ahead, ahead, String(now - random.int(0, 1)), "soon", "-1", ""]);
  return { ...draft, tags: [...draft.tags, ["expiration", value]] };
}

function vanish(random: Random, { oracle }: State): Content {
  const elsewhere = ["relay", "wss://relay.example.com"];
  const here = ["relay", random.pick(["ALL_RELAYS", RELAY_URL, `${RELAY_URL}/`, RELAY_URL.toUpperCase()])];
  const tags = random.pick([[here], [here], [elsewhere, here], [elsewhere], [["relay", "all_relays"]], []]);
  return publish({
    by: someone(random),
    kind: VANISH,
    created_at: time(random, oracle.now),
    tags,
    content: String(random.int(0, 99)),
  });
}

/** By somebody who has vanished, or wrapped for them, just before or after that time. */
function aroundCutoff(random: Random, { oracle }: State): Content | undefined {
  const { cutoffs } = oracle.archive;
  if (cutoffs.size === 0) return undefined;
  const [pubkey, cutoff] = random.pick([...cutoffs]);
  const draft = { ...randomDraft(random, [...ANY_KIND, DELETION], oracle.now), created_at: cutoff + random.int(-2, 2) };
  if (draft.kind === WRAP && random.chance(0.7)) return publish({ ...draft, tags: [["p", pubkey]] });
  return publish({ ...draft, by: keyOf(pubkey) ?? draft.by });
}

/** Sent by its author or by another (R-05-25). */
function protectedEvent(random: Random, { oracle }: State, on: number): Content {
  const draft = randomDraft(random, ANY_KIND, oracle.now);
  const own = keyOf(random.pick([...(oracle.connections.get(on)?.authed ?? []), "nobody"]));
  const tags = [...draft.tags, random.pick([["-"], ["-"], ["-", "x"], ["--"], ["x", "-"]])];
  return publish({ ...draft, by: own ?? draft.by, tags });
}

/** Of a protected event or of one that only looks so (R-05-26). */
function repost(random: Random, { oracle, signer }: State): Content {
  const { now } = oracle;
  const inner = randomDraft(random, [1, 30023], now);
  const tags = random.pick([
    [["-"]],
    [
      ["t", "x"],
      ["-", "y"],
    ],
    [["t", "-"]],
    [],
  ]);
  const event = signer.sign({ ...inner, tags });
  const spaced = JSON.stringify(event, null, 1);
  const content = random.pick([JSON.stringify(event), spaced, '[["-"]]', '{"tags":[["-"', "", "null"]);
  return publish({ ...randomDraft(random, [6, 16], now), content });
}

/** Just sent, or about as old as its kind is kept (R-07-01). Well formed by 7.3. */
function job(random: Random, { now, archive }: State["oracle"]): Draft {
  const kind = random.pick([...JOB_KINDS, ...JOB_KINDS, ...NO_JOB_KINDS]);
  const age = random.pick([RETENTION_JOB, RETENTION_RESULT]) + random.int(-6, 2);
  const request = random.chance(0.6)
    ? archive.events.findLast((event) => event.kind >= 5000 && event.kind < 6000)
    : undefined;
  const tags = [["p", request?.pubkey ?? KEYS[someone(random)]?.pubkey ?? ""]];
  if (kind >= 6000) tags.push(["e", request?.id ?? random.int(1, 9).toString().repeat(64)]);
  if (kind === 7000) tags.push(["status", random.pick(["processing", "error", "success", "partial"])]);
  const created_at = random.chance(0.5) ? now - age : time(random, now);
  return { by: someone(random), kind, created_at, tags, content: String(random.int(0, 99)) };
}
