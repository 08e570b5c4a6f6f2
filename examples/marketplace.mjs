// @ts-check
// Three providers and twenty buyers play a marketplace of jobs (NIP-89, NIP-90) for a minute:
//
//   node examples/marketplace.mjs [ws://localhost:8787] [--seconds 60] [--json]
//
// Payments are asked for and made, or not. Results come in parts, twice, late or never. One provider fails, and dies halfway.
// At the end the script tells what became of the jobs. `nexus jobs` and /api/jobs of the relay tell the same.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "60" }, json: { type: "boolean", default: false } },
});
const [url = "ws://localhost:8787"] = positionals;
const seconds = Number(values.seconds);

const PROFILE = 0;
const REQUEST = 5050;
const RESULT = 6050;
const FEEDBACK = 7000;
const HANDLER = 31990;
const DELETION = 5;
const BUYERS = 20;
/** Between two words of a provider about a job, in milliseconds. */
const PAUSE_MS = Math.min(1000, 60 * seconds);

/** What each provider says about a job, by the plan that the job names. @type {Record<string, Record<string, string[]>>} */
const PLANS = {
  plain: { alfa: ["processing", "result"] },
  parts: { alfa: ["processing", "partial", "partial", "result"] },
  paid: { bravo: ["payment-required", "processing", "result"] },
  unpaid: { bravo: ["payment-required"] },
  failed: { charlie: ["processing", "error"] },
  silence: {},
  race: { alfa: ["result"], charlie: ["processing", "result"] },
  rescue: { charlie: ["error"], alfa: ["processing", "result"] },
  deleted: { bravo: ["processing"] },
  abandoned: { charlie: ["processing"] },
};

/** One connection, logged in with a key of its own. */
class Client {
  key = generateSecretKey();
  pubkey = getPublicKey(this.key);
  /** @type {WebSocket | undefined} */
  socket;
  /** @type {Map<string, (answer: [boolean, string]) => void>} */
  answers = new Map();
  /** @type {Map<string, (event: import("nostr-tools/core").Event) => void>} */
  listeners = new Map();

  /** Connects and answers the challenge (NIP-42). */
  async open() {
    const socket = new WebSocket(url);
    this.socket = socket;
    const challenge = Promise.withResolvers();
    socket.addEventListener("error", () => challenge.reject(new Error(`No relay answers at ${url}.`)));
    socket.addEventListener("message", ({ data }) => {
      const [verb, id, ...rest] = JSON.parse(data);
      if (verb === "AUTH") challenge.resolve(id);
      if (verb === "OK") this.answers.get(id)?.(rest);
      if (verb === "EVENT") this.listeners.get(id)?.(rest[0]);
    });
    const tags = [
      ["relay", url],
      ["challenge", await challenge.promise],
    ];
    const [isIn, reason] = await this.send("AUTH", { kind: 22242, tags, content: "" });
    if (!isIn) throw new Error(`The relay refuses the login: ${reason}`);
    return this;
  }

  /**
   * Signs and sends an event; resolves to the relay's OK and its text.
   * @param {string} verb
   * @param {{ kind: number, tags: string[][], content: string, created_at?: number }} template
   * @returns {Promise<[boolean, string, import("nostr-tools/core").Event]>}
   */
  async send(verb, template) {
    const event = finalizeEvent({ created_at: now(), ...template }, this.key);
    /** @type {PromiseWithResolvers<[boolean, string]>} */
    const answer = Promise.withResolvers();
    this.answers.set(event.id, answer.resolve);
    this.socket?.send(JSON.stringify([verb, event]));
    const [isAccepted, text] = await answer.promise;
    this.answers.delete(event.id);
    return [isAccepted, text, event];
  }

  /**
   * @param {object} filter
   * @param {(event: import("nostr-tools/core").Event) => void} heard
   */
  listen(filter, heard) {
    const id = `sub${this.listeners.size}`;
    this.listeners.set(id, heard);
    this.socket?.send(JSON.stringify(["REQ", id, filter]));
  }

  close() {
    this.socket?.close();
  }
}

/** What each provider said last about each job, which is what decides. @type {Map<string, Map<string, string>>} */
const said = new Map();
/** @type {Set<string>} */
const deleted = new Set();
const counts = { requests: 0, unheard: 0, feedback: 0, results: 0 };
/** Work under way, to be waited for. @type {Set<Promise<void>>} */
const underWay = new Set();

/** @type {Map<string, Client>} */
const providers = new Map();
let isCharlieDead = false;
const charlieFails = Promise.withResolvers();

async function main() {
  for (const name of ["alfa", "bravo", "charlie"]) providers.set(name, await openProvider(name));
  const buyers = await Promise.all(Array.from({ length: BUYERS }, (_, i) => openNamed(`buyer ${i + 1}`)));
  tell(`${BUYERS} buyers and 3 providers have logged in at ${url}. They trade for ${seconds} seconds.`);
  // Not before it has failed at a job.
  const death = Promise.all([sleep((1000 * seconds) / 2), charlieFails.promise]).then(() => {
    isCharlieDead = true;
    providers.get("charlie")?.close();
    tell("Provider charlie has died.");
  });
  const names = Object.keys(PLANS);
  const each = Math.max(3, Math.round(seconds / 6));
  await Promise.all(
    buyers.map(async (buyer, i) => {
      for (let job = 0; job < each; job++) {
        await sleep((1000 * seconds) / each / (job === 0 ? 2 + (i % 5) : 1));
        await order(buyer, names[(i + job * 7) % names.length] ?? "plain");
      }
    }),
  );
  await death;
  while (underWay.size > 0) await Promise.all(underWay);
  report();
  for (const client of [...providers.values(), ...buyers]) client.close();
}

/** A connection of somebody who says who they are. @param {string} name */
async function openNamed(name) {
  const client = await new Client().open();
  await client.send("EVENT", { kind: PROFILE, tags: [], content: JSON.stringify({ name }) });
  return client;
}

/** @param {string} name */
async function openProvider(name) {
  const provider = await openNamed(name);
  await provider.send("EVENT", {
    kind: HANDLER,
    tags: [
      ["d", "trade"],
      ["k", String(REQUEST)],
    ],
    content: `{"name":"${name}"}`,
  });
  provider.listen({ kinds: [REQUEST], since: now() }, (request) => {
    const plan = request.tags.find((tag) => tag[0] === "param" && tag[1] === "plan")?.[2] ?? "";
    const words = PLANS[plan]?.[name];
    if (words === undefined) return;
    const work = answer(provider, name, request, words).finally(() => underWay.delete(work));
    underWay.add(work);
  });
  return provider;
}

/**
 * A provider says one thing after another about a job, each of a later second, so that their order is plain.
 * @param {Client} provider
 * @param {string} name
 * @param {import("nostr-tools/core").Event} request
 * @param {string[]} words
 */
async function answer(provider, name, request, words) {
  for (const [i, word] of words.entries()) {
    await sleep(PAUSE_MS * (0.5 + Math.random()));
    if (name === "charlie" && isCharlieDead) return;
    const tags = [
      ["e", request.id],
      ["p", request.pubkey],
    ];
    const amount = word === "payment-required" ? [["amount", "21000", "lnbc210n1"]] : [];
    const created_at = request.created_at + 1 + i;
    const isResult = word === "result";
    const sent = provider.send("EVENT", {
      kind: isResult ? RESULT : FEEDBACK,
      created_at,
      tags: isResult ? tags : [["status", word, `${word} by ${name}`], ...tags, ...amount],
      content: isResult ? "done" : "",
    });
    // Who dies hears no answer any more.
    const [isAccepted] = await (name === "charlie" ? Promise.race([sent, sleep(1000, [true])]) : sent);
    if (!isAccepted) continue;
    const of = said.get(request.id) ?? new Map();
    said.set(request.id, of.set(name, word));
    if (isResult) counts.results++;
    else counts.feedback++;
    if (word === "error" && words.length > 1) charlieFails.resolve(undefined);
  }
}

/**
 * A buyer asks for a job; some it deletes a moment later.
 * @param {Client} buyer
 * @param {string} plan
 */
async function order(buyer, plan) {
  const tags = [
    ["i", "hello", "text"],
    ["param", "plan", plan],
  ];
  const [isAccepted, text, request] = await buyer.send("EVENT", { kind: REQUEST, tags, content: "" });
  if (!isAccepted) throw new Error(`The relay refuses a request: ${text}`);
  counts.requests++;
  if (text.startsWith("info: no provider")) counts.unheard++;
  said.set(request.id, said.get(request.id) ?? new Map());
  if (plan !== "deleted") return;
  const work = sleep(3 * PAUSE_MS)
    .then(() => buyer.send("EVENT", { kind: DELETION, tags: [["e", request.id]], content: "" }))
    .then(() => void deleted.add(request.id))
    .finally(() => underWay.delete(work));
  underWay.add(work);
}

/** The best that a provider has said counts for the job (NIP-90). */
const ORDER = ["requested", "error", "payment-required", "processing", "partial", "result"];

function report() {
  /** @type {Record<string, number>} */
  const states = {};
  /** @type {Record<string, { pubkey: string, working: number, failed: number, answered: number }>} */
  const by = {};
  for (const [name, { pubkey }] of providers) by[name] = { pubkey, working: 0, failed: 0, answered: 0 };
  for (const [id, of] of said) {
    const best = Math.max(0, ...[...of.values()].map((word) => ORDER.indexOf(word)));
    const word = deleted.has(id) && ORDER[best] !== "result" ? "cancelled" : String(ORDER[best]);
    const state = word === "result" ? "success" : word;
    states[state] = (states[state] ?? 0) + 1;
    if (deleted.has(id)) continue;
    for (const [name, last] of of) {
      const account = by[name];
      if (account !== undefined) account[last === "result" ? "answered" : last === "error" ? "failed" : "working"]++;
    }
  }
  const tally = { ...counts, states, providers: by };
  if (values.json) console.log(JSON.stringify(tally));
  else {
    console.log(`\n${counts.requests} requests, ${counts.feedback} feedback, ${counts.results} results.`);
    console.table(states);
    console.table(by);
  }
}

/** @param {string} text */
function tell(text) {
  if (!values.json) console.log(text);
}

function now() {
  return Math.floor(Date.now() / 1000);
}

main().catch((error) => {
  console.error(error.message);
  if (/restricted:/.test(error.message))
    console.error("The keys of this example are new: the relay must let every key publish.");
  process.exit(1);
});
