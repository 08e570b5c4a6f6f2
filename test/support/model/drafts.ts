import type { Event } from "nostr-tools/pure";
import { type Key, key, signed } from "../keys.ts";
import type { Random } from "../random.ts";

/** The parties of a random session: whoever is connected, and one who is not. */
export const KEYS: readonly Key[] = [1, 2, 3, 4, 5, 6].map(key);

/** Events are made within the last minute of a clock that mostly stands still, so that ties are common. */
export const TIME_SPAN = 60;
export const BASE_TIME = 2_000_000_000;

/** Where the clock starts, in Unix seconds. Far ahead of real time, so that no alarm rings by itself. */
export const START_TIME = BASE_TIME + TIME_SPAN;

/** An event before it is signed, as it is printed for a replay. `by` is an index into {@link KEYS}. */
export interface Draft {
  by: number;
  kind: number;
  created_at: number;
  tags: string[][];
  content: string;
  /** Another signature of the same event for each number. */
  copy?: number;
  /** What is wrong with it: a false signature, or a content that is not the one of its id. */
  fault?: "sig" | "content";
}

const KINDS = [1, 1, 1, 7, 45, 40000, 0, 3, 10002, 30023, 30023, 31234];
export const EPHEMERAL_KINDS = [20001, 20001, 29999];
export const PRIVATE_KINDS = [4, 13, 1059];
export const PRIVATE_EPHEMERAL_KIND = 21059;
/** Jobs, results and feedback, and their neighbours that are none (R-07-02). */
export const JOB_KINDS = [5050, 5999, 6050, 6999, 7000];
export const NO_JOB_KINDS = [5128, 6128, 7374];
const FEATURE_KINDS = [5, 6, 16, 62, ...JOB_KINDS, ...NO_JOB_KINDS];
export const ALL_KINDS = [
  ...new Set([...KINDS, ...EPHEMERAL_KINDS, ...PRIVATE_KINDS, PRIVATE_EPHEMERAL_KIND, ...FEATURE_KINDS]),
];
export const WORDS = ["x", "y", "z", "", "日本 \u0000"];

/** `now` is what the clock shows. */
export function randomDraft(random: Random, kinds: readonly number[] = KINDS, now = START_TIME): Draft {
  const kind = random.pick(kinds);
  const tags = random.some(
    [
      ["t", random.pick(WORDS)],
      ["t", "x", "y"],
      ["t"],
      ["T", random.pick(WORDS)],
      ["p", random.pick(KEYS).pubkey],
      ["p", "no key"],
      ["e", random.int(1, 9).toString().repeat(64)],
      ["title", "x"],
      [],
    ],
    0,
    3,
  );
  if (kind >= 30000 && kind < 40000) tags.push(...random.pick([[], [["d"]], [["d", ""]], D_X, D_X, D_Y, D_XY]));
  if (PRIVATE_KINDS.includes(kind) || kind === PRIVATE_EPHEMERAL_KIND) tags.push(["p", random.pick(KEYS).pubkey]);
  return {
    by: random.int(0, KEYS.length - 1),
    kind,
    created_at: now - random.int(0, TIME_SPAN),
    tags: random.shuffle(tags),
    content: String(random.int(0, 99)),
  };
}

const D_X = [["d", "x"]];
const D_Y = [["d", "y:z"]];
const D_XY = [
  ["d", "x"],
  ["d", "y:z"],
];

/** What a draft says of the event. */
type Template = Omit<Draft, "by" | "fault">;

/** Signs the drafts of one session, and knows afterwards which events are genuine and what they were made from. */
export class Signer {
  readonly #sign: (by: Key, template: Template) => Event;
  readonly #genuine = new Set<string>();
  readonly #drafts = new Map<string, Draft>();
  readonly #signed = new Map<string, Event>();

  /** `sign` makes an event of a key, its secret being 32 bytes. */
  constructor(sign: (by: Key, template: Template) => Event = signEvent) {
    this.#sign = sign;
  }

  sign(draft: Draft): Event {
    const { by, fault, ...template } = draft;
    if (fault !== undefined) return forge(this.sign({ by, ...template }), fault);
    const text = JSON.stringify(draft);
    const event = this.#signed.get(text) ?? this.#sign(KEYS[by] as Key, template);
    this.#signed.set(text, event);
    this.#drafts.set(event.id, draft);
    this.learn(event);
    return event;
  }

  /** The same of an event that is not to be published. */
  signLogin({ by, fault, ...template }: Draft): Event {
    const event = this.#sign(KEYS[by] as Key, template);
    if (fault !== undefined) return forge(event, fault);
    this.learn(event);
    return event;
  }

  /** Takes over an event that was signed elsewhere. */
  learn(event: unknown): void {
    this.#genuine.add(JSON.stringify(event));
  }

  isGenuine(event: Event): boolean {
    return this.#genuine.has(JSON.stringify(event));
  }

  draftOf(event: Event): Draft | undefined {
    return this.#drafts.get(event.id);
  }

  /** All drafts so far. */
  get drafts(): Draft[] {
    return [...this.#drafts.values()];
  }
}

function signEvent(by: Key, { copy: _, ...template }: Template): Event {
  return signed(by, template);
}

function forge(event: Event, fault: "sig" | "content"): Event {
  if (fault === "content") return { ...event, content: `${event.content}!` };
  const last = event.sig.endsWith("0") ? "1" : "0";
  return { ...event, sig: event.sig.slice(0, -1) + last };
}
