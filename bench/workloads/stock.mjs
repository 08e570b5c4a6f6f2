// @ts-check
import { Dice, Stock, word } from "../events.mjs";
import { measured } from "../measure.mjs";
import { Peer, publishAll } from "../peer.ts";
import { percentile } from "../sample.ts";

const EVENTS = Number(process.env.STOCK_EVENTS ?? 200_000);
const CONNECTIONS = 4;
const ROUNDS = 300;
const WARM_UP = 20;
const LIMIT = 100;

/**
 * The queries of rule R-07-13, and searches, among 200,000 stored events: from REQ to EOSE, one at a time. Each is wanted
 * below 50 ms at p99. @type {import("../measure.mjs").Workload}
 */
export async function stock({ url, auth, pid }) {
  const stored = new Stock(EVENTS, Math.floor(Date.now() / 1000));
  const peers = await Peer.openMany(url, auth, CONNECTIONS);
  const { refused } = await publishAll(peers, stored.frames(), 50);
  if (refused > 0) throw new Error(`${refused} events were refused.`);
  const [peer] = /** @type {[Peer]} */ (peers);
  /** @type {Record<string, import("../measure.mjs").Figures>} */
  const results = {};
  for (const [name, filter] of shapesOf(stored)) {
    const ask = async () => {
      const { verb, events } = await peer.ask(JSON.stringify(["REQ", "q", { limit: LIMIT, ...filter() }]));
      if (verb !== "EOSE") throw new Error(`The relay answered ${verb}.`);
      peer.send('["CLOSE","q"]');
      return events;
    };
    for (let i = 0; i < WARM_UP; i++) await ask();
    /** @type {number[]} */
    const times = [];
    let returned = 0;
    const figures = await measured(pid, ROUNDS, async () => {
      for (let i = 0; i < ROUNDS; i++) {
        const startedAt = performance.now();
        returned += await ask();
        times.push(performance.now() - startedAt);
      }
    });
    const p50Ms = percentile(times, 0.5);
    results[`stock: ${name}`] = { ...figures, p50Ms, p99Ms: percentile(times, 0.99), returned: returned / ROUNDS };
  }
  for (const peer of peers) peer.close();
  return results;
}

/**
 * @param {Stock} stored
 * @returns {[name: string, filter: () => object][]}
 */
function shapesOf({ authors, providers, topics, jobKinds, jobs, ids, now }) {
  const dice = new Dice(11);
  /** @param {number} count */
  const someAuthors = (count) => Array.from({ length: count }, () => dice.pick(authors));
  /** @param {number} from @param {number} to */
  const wordFrom = (from, to) => word(from + dice.below(to - from));
  const recently = () => now - dice.below(18 * 3600);
  const common = () => wordFrom(1, 6);
  return [
    ["{kinds:[5050],since}", () => ({ kinds: [5050], since: recently() })],
    ["{kinds:[5050],#p}", () => ({ kinds: [5050], "#p": [dice.pick(providers)] })],
    [
      "{kinds:[6050,7000],#e,#p}",
      () => {
        const { id, pubkey } = dice.pick(jobs);
        return { kinds: [6050, 7000], "#e": [id], "#p": [pubkey] };
      },
    ],
    ["{kinds:[31990],#k}", () => ({ kinds: [31990], "#k": [dice.pick(jobKinds)] })],
    ["{kinds:[31989],#d,authors}", () => ({ kinds: [31989], "#d": [jobKinds[0]], authors: someAuthors(100) })],
    ["{ids} of 100", () => ({ ids: Array.from({ length: LIMIT }, () => dice.pick(ids)) })],
    ["{authors,kinds} of 20 × 2", () => ({ authors: someAuthors(20), kinds: [1, 5050] })],
    ["{#t}", () => ({ "#t": [dice.pick(topics)] })],
    ["search, rare word", () => ({ search: wordFrom(3000, 5000) })],
    ["search, medium word", () => ({ search: wordFrom(200, 400) })],
    ["search, very common word", () => ({ search: common() })],
    ["search, two words", () => ({ search: `${wordFrom(1, 20)} ${wordFrom(20, 60)}` })],
    ["search, common, kinds of few", () => ({ search: common(), kinds: [31990] })],
    ["search, common, kinds of many", () => ({ search: common(), kinds: [1] })],
    ["search, common, authors", () => ({ search: common(), authors: someAuthors(5) })],
    ["search, common, one provider", () => ({ search: common(), authors: [dice.pick(providers)] })],
    ["search, common, #t", () => ({ search: common(), "#t": [dice.pick(topics)] })],
    ["search, common, since", () => ({ search: common(), since: recently() })],
    ["search, common and rare word", () => ({ search: `${common()} ${wordFrom(3000, 5000)}` })],
  ];
}
