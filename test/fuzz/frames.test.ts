import fc from "fast-check";
import { expect } from "vitest";
import { parseClientMessage } from "../../src/protocol/message.ts";
import type { Client, Frame } from "../support/client.ts";
import { fuzz } from "../support/fuzz.ts";
import { alice, bob } from "../support/keys.ts";
import { freshRelay } from "../support/relay.ts";
import { EVENTS, frameText } from "./frame-text.ts";
import { answerTo, type Demand, demandsOf } from "./naive-frames.ts";

interface Input {
  texts: string[];
  isAuthed: boolean;
}

/** The table of 1.4, without `error`: nothing of this is the relay's fault. */
const PREFIXES: Record<string, string[]> = {
  OK: ["duplicate", "pow", "blocked", "rate-limited", "invalid", "restricted", "auth-required", "mute"],
  CLOSED: ["blocked", "rate-limited", "invalid", "restricted", "auth-required", "unsupported"],
  NOTICE: ["rate-limited", "invalid", "auth-required", "unsupported"],
  "NEG-ERR": ["blocked", "rate-limited", "invalid", "restricted", "auth-required", "closed"],
};
const ACCEPTED = ["duplicate", "pow", "info"];

/** A reason is short, and what it repeats of the client's input even shorter (R-01-22). */
const MAX_REASON = 256;

/** For a machine that is busy. */
const PATIENCE_MS = 10_000;

const RAW = new Set(EVENTS.map((event) => JSON.stringify(inOrder(event))));

const relay = freshRelay();

async function holds({ texts: source, isAuthed }: Input): Promise<void> {
  // A frame is UTF-8, which has no lone surrogates but as escapes.
  const texts = source.map((text) => text.toWellFormed());
  const client = isAuthed ? await relay.login(alice, bob) : await relay.connect();
  for (const text of texts) client.send(text);
  const demands = demandsOf(texts, isAuthed);
  const must = demands.filter(({ mayFail }) => !mayFail);
  const frames = await collect(client, must);
  // What nothing asked for would have come by now.
  frames.push(...(await collect(client, [])));
  expect(client.closed).toBe(undefined);
  client.close();

  const answers = frames.filter(([verb]) => verb !== "EVENT");
  for (const answer of answers) expectWellFormed(answer);
  for (const [verb, id, event] of frames) {
    if (verb !== "EVENT") continue;
    expect(demands.flatMap(({ subjects }) => subjects)).toContain(`EOSE ${id}`);
    expect(RAW).toContain(JSON.stringify(event));
  }
  expect(unmatched(answers, demands), "answers that nothing asked for").toEqual([]);
  expect(unanswered(answers, must), "what has no answer").toEqual([]);
}

/** All that comes until a probe is answered, and until there is an answer for each demand that must have one. */
async function collect(client: Client, must: readonly Demand[]): Promise<Frame[]> {
  const probe = `probe ${crypto.randomUUID()}`;
  client.send(["REQ", probe, { ids: [] }]);
  const frames: Frame[] = [];
  for (let isAnswered = false; !isAnswered || unanswered(frames, must).length > 0; ) {
    const text = await client.nextText(PATIENCE_MS).catch((error) => {
      const missing = JSON.stringify(unanswered(frames, must));
      throw new Error(`${error}: ${missing} after ${JSON.stringify(frames)}`);
    });
    if (text === "pong") {
      frames.push(["pong"]);
      continue;
    }
    const frame = JSON.parse(text) as Frame;
    // R-01-06
    expect(text).toBe(JSON.stringify(frame));
    if (frame[1] === probe) isAnswered = true;
    else frames.push(frame);
  }
  return frames;
}

function subjectsOf([verb, id]: Frame): string[] {
  switch (verb) {
    case "OK":
      return [`OK ${id}`, ...(/^[0-9a-f]{64}$/.test(String(id)) ? ["OK of a computed id"] : [])];
    case "EOSE":
    case "COUNT":
    case "CLOSED":
      return [`${verb} ${id}`];
    case "NEG-MSG":
    case "NEG-ERR":
      return [`NEG ${id}`];
  }
  return [verb];
}

/** Demands that are left without an answer when each answer serves one of them. */
function unanswered(answers: readonly Frame[], demands: readonly Demand[]): Demand[] {
  const found = answers.map(subjectsOf);
  return leftOver(demands, ({ subjects }) => indexes(found, (other) => subjects.some((one) => other.includes(one))));
}

function unmatched(answers: readonly Frame[], demands: readonly Demand[]): Frame[] {
  return leftOver(answers, (answer) => {
    const own = subjectsOf(answer);
    return indexes(demands, ({ subjects }) => subjects.some((one) => own.includes(one)));
  });
}

function indexes<T>(items: readonly T[], isWanted: (item: T) => boolean): number[] {
  return items.flatMap((item, i) => (isWanted(item) ? [i] : []));
}

/** Items that have no partner of their own in the largest matching there is. */
function leftOver<T>(items: readonly T[], partnersOf: (item: T) => number[]): T[] {
  const takenBy = new Map<number, T>();
  const place = (item: T, seen: Set<number>): boolean =>
    partnersOf(item).some((partner) => {
      if (seen.has(partner)) return false;
      seen.add(partner);
      const other = takenBy.get(partner);
      if (other !== undefined && !place(other, seen)) return false;
      takenBy.set(partner, item);
      return true;
    });
  return items.filter((item) => !place(item, new Set()));
}

function expectWellFormed(frame: Frame): void {
  const [verb, , second, third] = frame;
  const reason = verb === "NOTICE" ? frame[1] : verb === "OK" ? third : second;
  const prefixes = verb === "OK" && second === true ? ACCEPTED : PREFIXES[verb];
  if (prefixes === undefined || (verb === "OK" && second === true && reason === "")) return;
  const [prefix, text] = String(reason).split(/: (.*)/s);
  expect(prefixes, JSON.stringify(frame)).toContain(prefix);
  expect(text, JSON.stringify(frame)).toMatch(/./);
  expect(String(reason).length).toBeLessThanOrEqual(MAX_REASON);
}

/** The members of an event in the order in which the relay sends them. */
function inOrder(event: (typeof EVENTS)[number]): object {
  const { id, pubkey, created_at, kind, tags, content, sig } = event;
  return { id, pubkey, created_at, kind, tags, content, sig };
}

fuzz(
  "R-01-07 R-01-14 R-01-16 R-01-19 R-01-21 each frame has the answer of its verb, and the connection goes on",
  fc.record({ texts: fc.array(frameText, { minLength: 1, maxLength: 10 }), isAuthed: fc.boolean() }),
  holds,
);

/** What the parser makes of a frame is what its answer is for. */
function parsesAs(text: string): void {
  const parsed = parseClientMessage(text);
  const { subjects, id } = answerTo(text, true);
  if (!parsed.ok) {
    expect(subjects).toContain("NOTICE");
    expect(parsed.reason).toMatch(/^(invalid|unsupported): ./);
    return;
  }
  const { value } = parsed;
  if (value.verb === "COUNT") return expect(subjects).toContain(`CLOSED ${value.id}`);
  const own = value.verb === "PING" ? "PONG" : `${SUBJECTS[value.verb]} ${value.id ?? "of a computed id"}`;
  expect([...subjects, id]).toContain(own);
}

const SUBJECTS = {
  ...{ EVENT: "OK", AUTH: "OK", REQ: "REQ", CLOSE: "REQ" },
  ...{ "NEG-OPEN": "NEG", "NEG-MSG": "NEG", "NEG-CLOSE": "NEG" },
};

fuzz(
  "R-01-11 R-01-12 R-01-14 the parser takes what has an answer of its own, and refuses the rest",
  frameText.filter((text) => text !== "ping" && text.length < 10_000),
  parsesAs,
);
