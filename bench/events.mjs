// @ts-check
import { Signer } from "./signer.ts";

// Events as a relay for agents sees them, the same ones for every run but for time and signatures.

const AUTHORS = 1000;
const PROVIDERS = 50;
const TOPICS = 200;
const WORDS = 5000;
/** Kinds of job that handlers take and people recommend handlers for. */
const JOB_KINDS = 40;
/** Events are spread over so many seconds before now: jobs are kept for a day. */
const SPAN = 20 * 3600;

/** Of a hundred events; what is left are notes. Each author has a profile besides. */
const SHARES = { job: 20, result: 20, feedback: 10, handler: 1, recommendation: 1 };

/** Numbers from a seed (mulberry32), so that every run loads and asks the same. */
export class Dice {
  /** @param {number} seed */
  constructor(seed) {
    this.state = seed;
  }

  /** From 0 up to, not including, 1. */
  next() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** @param {number} count */
  below(count) {
    return Math.floor(this.next() * count);
  }

  /** @template T @param {readonly T[]} items @returns {T} */
  pick(items) {
    return /** @type {T} */ (items[this.below(items.length)]);
  }
}

/**
 * A word by its rank: the word of rank n is 1/n as frequent as the first (Zipf).
 * @param {number} rank
 */
export function word(rank) {
  const syllables = ["ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo", "du", "pe"];
  return `${[...String(rank)].map((digit) => syllables[Number(digit)]).join("")}n`;
}

const cumulated = Array.from({ length: WORDS }, (_, i) => 1 / (i + 1));
for (let i = 1; i < WORDS; i++) cumulated[i] = /** @type {number} */ (cumulated[i]) + Number(cumulated[i - 1]);

/** @param {Dice} dice @param {number} count */
function text(dice, count) {
  return Array.from({ length: count }, () => {
    const at = dice.next() * Number(cumulated[WORDS - 1]);
    let [low, high] = [0, WORDS - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Number(cumulated[middle]) < at) low = middle + 1;
      else high = middle;
    }
    return word(low + 1);
  }).join(" ");
}

/**
 * @typedef {{ id: string, pubkey: string }} Job
 * @typedef {{ kind: number, tags: string[][], content: string }} Draft
 */

/** A stock of `total` events, and what one needs to know of it to ask for them. */
export class Stock {
  /** @param {number} total @param {number} now Unix time of the newest, in seconds */
  constructor(total, now) {
    this.total = total;
    this.now = now;
    this.dice = new Dice(7);
    this.signers = Array.from({ length: AUTHORS }, (_, i) => new Signer(i + 1));
    this.authors = this.signers.map(({ pubkey }) => pubkey);
    this.providers = this.authors.slice(0, PROVIDERS);
    this.topics = Array.from({ length: TOPICS }, (_, i) => `topic-${i}`);
    this.jobKinds = Array.from({ length: JOB_KINDS }, (_, i) => String(5050 + i));
    this.since = this.now - SPAN;
    /** @type {Job[]} */
    this.jobs = [];
    /** @type {string[]} */
    this.ids = [];
    this.handlers = 0;
    this.recommendations = 0;
  }

  /** EVENT frames, oldest first. */
  *frames() {
    for (let i = 0; i < this.total; i++) {
      const createdAt = this.since + Math.floor((i * SPAN) / this.total);
      const [author, draft] = i < AUTHORS ? this.#profile(i) : this.#draft();
      const event = /** @type {Signer} */ (this.signers[author]).sign({ ...draft, created_at: createdAt });
      if (event.kind === 5050) this.jobs.push(event);
      this.ids.push(event.id);
      yield JSON.stringify(["EVENT", event]);
    }
  }

  /** @param {number} i @returns {[author: number, draft: Draft]} */
  #profile(i) {
    const content = JSON.stringify({ name: `${word(i + 1)} ${i}`, about: text(this.dice, 12) });
    return [i, { kind: 0, tags: [], content }];
  }

  /** @returns {[author: number, draft: Draft]} */
  #draft() {
    const { dice } = this;
    let share = dice.below(100);
    const is = (/** @type {keyof typeof SHARES} */ name) => {
      const hit = share >= 0 && share < SHARES[name];
      share -= SHARES[name];
      return hit;
    };
    const author = dice.below(AUTHORS);
    const job = this.jobs.length === 0 ? undefined : dice.pick(this.jobs.slice(-2000));
    if (is("job") || job === undefined) {
      const tags = [
        ["p", dice.pick(this.providers)],
        ["t", dice.pick(this.topics)],
        ["i", text(dice, 6), "text"],
      ];
      return [author, { kind: 5050, tags, content: text(dice, 10) }];
    }
    const answer = [
      ["e", job.id],
      ["p", job.pubkey],
    ];
    if (is("result")) return [dice.below(PROVIDERS), { kind: 6050, tags: answer, content: text(dice, 40) }];
    if (is("feedback")) {
      return [
        dice.below(PROVIDERS),
        { kind: 7000, tags: [...answer, ["status", "processing"]], content: text(dice, 4) },
      ];
    }
    if (is("handler")) {
      const kinds = new Set([dice.pick(this.jobKinds), dice.pick(this.jobKinds)]);
      const tags = [["d", `handler-${this.handlers++}`], ...[...kinds].map((kind) => ["k", kind])];
      return [author, { kind: 31990, tags, content: JSON.stringify({ name: text(dice, 2), about: text(dice, 15) }) }];
    }
    if (is("recommendation")) {
      const n = this.recommendations++;
      const d = /** @type {string} */ (this.jobKinds[Math.floor(n / AUTHORS) % JOB_KINDS]);
      const tags = [
        ["d", d],
        ["a", `31990:${dice.pick(this.authors)}:handler-${dice.below(this.handlers + 1)}`],
      ];
      return [n % AUTHORS, { kind: 31989, tags, content: "" }];
    }
    const topics = Array.from({ length: dice.below(3) }, () => ["t", dice.pick(this.topics)]);
    return [author, { kind: 1, tags: topics, content: text(dice, 5 + dice.below(40)) }];
  }
}
