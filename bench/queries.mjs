// @ts-check
import { performance } from "node:perf_hooks";
import { cpuMs, login, option, percentile, publishAll, url } from "./client.mjs";
import { Dice, Stock, word } from "./events.mjs";

// How long the queries of rule R-07-13 and searches take among many stored events, from REQ to EOSE.
//   node bench/queries.mjs [ws://localhost:8787] [--events 200000] [--rounds 300] [--json] [--loaded <time>] [--pid <of workerd>]
// Start the relay on an empty directory: NEXUS_DATA_DIR=/tmp/bench npm start
// A run prints the time with which the next one finds its events again instead of publishing them.

const CONNECTIONS = 4;
const LIMIT = 100;
const WARM_UP = 20;
/** What each line is wanted to stay below, in milliseconds. */
const TARGET_MS = 50;

const total = Number(option("--events") ?? 200_000);
const rounds = Number(option("--rounds") ?? 300);
const pid = option("--pid");
const asJson = process.argv.includes("--json");

const loaded = option("--loaded");
const stock = new Stock(total, Number(loaded ?? Math.floor(Date.now() / 1000)));
const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, login));
await load();

/** @typedef {Record<string, unknown>} Filter */
const dice = new Dice(11);
const { authors, providers, topics, jobKinds, jobs, ids } = stock;
/** @param {number} count */
const someAuthors = (count) => Array.from({ length: count }, () => dice.pick(authors));
/** @param {number} from @param {number} to */
const wordFrom = (from, to) => word(from + dice.below(to - from));
const recently = () => stock.now - dice.below(18 * 3600);
const common = () => wordFrom(1, 6);

/** @type {[name: string, filter: () => Filter][]} */
const shapes = [
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
  ["search: rare word", () => ({ search: wordFrom(3000, 5000) })],
  ["search: medium word", () => ({ search: wordFrom(200, 400) })],
  ["search: very common word", () => ({ search: common() })],
  ["search: two words", () => ({ search: `${wordFrom(1, 20)} ${wordFrom(20, 60)}` })],
  ["search: common, kinds of few", () => ({ search: common(), kinds: [31990] })],
  ["search: common, kinds of many", () => ({ search: common(), kinds: [1] })],
  ["search: common, authors", () => ({ search: common(), authors: someAuthors(5) })],
  ["search: common, one provider", () => ({ search: common(), authors: [dice.pick(providers)] })],
  ["search: common, #t", () => ({ search: common(), "#t": [dice.pick(topics)] })],
  ["search: common, since", () => ({ search: common(), since: recently() })],
  ["search: common and rare word", () => ({ search: `${common()} ${wordFrom(3000, 5000)}` })],
];

const results = [];
for (const [name, filter] of shapes) results.push(await measure(name, filter));
if (asJson) console.log(JSON.stringify({ events: total, rounds, results }, undefined, 2));
else {
  console.log(
    `${"query, limit 100".padEnd(34)}${["p50 ms", "p99 ms", "max ms", "events", "CPU ms"].map((name) => name.padStart(9)).join("")}`,
  );
  for (const { name, p50, p99, max, events, serverCpu } of results) {
    console.log(
      `${name.padEnd(34)}${[p50, p99, max, events, serverCpu].map((value) => value.toFixed(1).padStart(9)).join("")}`,
    );
  }
  const slow = results.filter(({ p99 }) => p99 >= TARGET_MS).map(({ name }) => name);
  console.log(
    slow.length === 0 ? `All below ${TARGET_MS} ms at p99.` : `${TARGET_MS} ms or more at p99: ${slow.join("; ")}`,
  );
}
for (const socket of sockets) {
  socket.onclose = null;
  socket.close();
}

async function load() {
  const startedAt = performance.now();
  const note = (/** @type {string} */ line) => console.error(line);
  if (loaded !== undefined) {
    note("Making the events once more …");
    for (const _ of stock.frames());
    return;
  }
  note(`Signing and publishing ${total} events to ${url} …`);
  const timer = setInterval(() => note(`  ${stock.ids.length} sent`), 10_000);
  const refused = await publishAll(sockets, stock.frames()).finally(() => clearInterval(timer));
  const seconds = (performance.now() - startedAt) / 1000;
  note(`${total - refused} stored, ${refused} refused, ${seconds.toFixed(0)} s. To ask again: --loaded ${stock.now}`);
}

/** @param {string} name @param {() => Filter} filter */
async function measure(name, filter) {
  const [socket] = sockets;
  if (socket === undefined) throw new Error("no connection");
  /** @type {number[]} */
  const times = [];
  let events = 0;
  let cpu = 0;
  for (let round = -WARM_UP; round < rounds; round++) {
    if (round === 0) cpu = cpuMs(pid);
    const startedAt = performance.now();
    const count = await ask(socket, { limit: LIMIT, ...filter() });
    if (round < 0) continue;
    times.push(performance.now() - startedAt);
    events += count;
  }
  const at = (/** @type {number} */ share) => Number(percentile(times, share).toFixed(2));
  const serverCpu = (cpuMs(pid) - cpu) / rounds;
  return { name, p50: at(0.5), p99: at(0.99), max: at(1), events: events / rounds, serverCpu };
}

/** @param {WebSocket} socket @param {Filter} filter @returns {Promise<number>} events until EOSE */
function ask(socket, filter) {
  return new Promise((resolve, reject) => {
    let count = 0;
    socket.onmessage = ({ data }) => {
      if (data.startsWith('["EVENT"')) return count++;
      if (!data.startsWith('["EOSE"')) return reject(new Error(data));
      socket.send('["CLOSE","q"]');
      resolve(count);
    };
    socket.send(JSON.stringify(["REQ", "q", filter]));
  });
}
