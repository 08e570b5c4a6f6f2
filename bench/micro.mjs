// @ts-check
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { build } from "esbuild";
import { eventFrame, sampleEvents } from "./sample.ts";
import { ROOT } from "./target.ts";

// What the parts of the relay's work take by themselves, in Node: parsing, matching, planning, verifying.
//   npm run bench:micro [-- --json]

const EVENTS = 5000;
const SUBSCRIPTIONS = 1000;
const RUN_MS = 300;
const RUNS = 5;

const relay = await loadParts();
const { WebAssembly } = /** @type {any} */ (globalThis);
const crypto = relay.createCrypto(
  new WebAssembly.Module(await readFile(join(ROOT, "src/protocol/crypto/secp256k1.wasm"))),
);
const events = sampleEvents(EVENTS);
const frames = events.map(eventFrame);
const hashed = events.map((event) => relay.HashedEvent.check(event, crypto).value);
const verified = relay.VerifiedEvent.checkAll(hashed, crypto);

/** @type {Record<string, number>} */
const results = {};
measure("parse an EVENT frame", (i) => relay.parseClientMessage(frames[i % EVENTS]));
measure("check its shape", (i) => relay.parseEvent(events[i % EVENTS]));
measure("check its id", (i) => relay.HashedEvent.check(events[i % EVENTS], crypto));
measure("verify one signature", (i) => crypto.verifyAll([events[i % EVENTS]]));
measure("verify 64 together, each", (i) => crypto.verifyAll(events.slice((i * 64) % 4000, ((i * 64) % 4000) + 64)), 64);
measureMatching();
measureStore();
console.log(process.argv.includes("--json") ? JSON.stringify(results, undefined, 2) : lines());

function lines() {
  return Object.entries(results)
    .map(([name, micros]) => `${micros.toFixed(2).padStart(10)} µs  ${name}`)
    .join("\n");
}

/**
 * The fastest of some runs: what else the machine does only adds.
 * @param {string} name
 * @param {(i: number) => unknown} body
 * @param {number} [each] operations of one call
 */
function measure(name, body, each = 1) {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0, i = 0; run < RUNS; run++) {
    const startedAt = performance.now();
    const from = i;
    while (performance.now() - startedAt < RUN_MS) for (let n = 0; n < 20; n++) body(i++);
    best = Math.min(best, ((performance.now() - startedAt) * 1000) / (i - from) / each);
  }
  results[name] = best;
}

/** Live events against many subscriptions, of which one in a hundred matches. */
function measureMatching() {
  const index = new relay.SubscriptionIndex();
  for (let i = 0; i < SUBSCRIPTIONS; i++) {
    const source = i % 2 === 0 ? { "#t": [`topic-${i}`] } : { authors: [events[i % 200]?.pubkey], kinds: [1] };
    const { value } = relay.parseFilter(source, { andFilters: false });
    index.add({ filters: [value], lastMatched: 0 });
  }
  let found = 0;
  measure(`match an event against ${SUBSCRIPTIONS} subscriptions`, (i) => {
    const { event, tags } = verified[i % EVENTS];
    index.match(event, tags, () => void found++);
  });
}

/** Planning and answering over the same SQLite, as Node has it. */
function measureStore() {
  const sql = nodeSql();
  relay.migrate(sql);
  const store = new relay.EventStore(sql, { search: { exceptKinds: new Set() } });
  const startedAt = performance.now();
  for (let i = 0; i < EVENTS; i += 64) store.put(verified.slice(i, i + 64));
  results["store events 64 at a time, each"] = ((performance.now() - startedAt) * 1000) / EVENTS;
  const reader = { authed: new Set(), privateKinds: new Set([4, 1059]) };
  const limits = { defaultLimit: 500, maxLimit: 5000 };
  const snapshot = { head: store.head, now: 1_800_000_000, retention: [] };
  const [pubkey] = events.map(({ pubkey }) => pubkey);
  const shapes = {
    "10 ids": { ids: events.slice(0, 10).map(({ id }) => id) },
    "author and kind, limit 20": { authors: [pubkey], kinds: [1], limit: 20 },
    "#p, limit 20": { "#p": [pubkey], limit: 20 },
    "kind, limit 100": { kinds: [1], limit: 100 },
  };
  for (const [name, source] of Object.entries(shapes)) {
    const { value: filter } = relay.parseFilter(source, { andFilters: false });
    measure(`plan ${name}`, () => [...relay.planQuery(sql, filter, reader)]);
    measure(`answer ${name}`, () => new relay.Scan(sql, [filter], reader, limits, snapshot).page(500));
  }
}

/** The store's view of Node's SQLite. */
function nodeSql() {
  const database = new DatabaseSync(":memory:");
  /** @type {Map<string, import("node:sqlite").StatementSync>} */
  const statements = new Map();
  const prepared = (/** @type {string} */ query) => {
    const known = statements.get(query) ?? database.prepare(query);
    known.setReturnArrays(true);
    statements.set(query, known);
    return known;
  };
  return {
    meter: { written: 0, read: 0 },
    all(/** @type {string} */ query, /** @type {any[]} */ ...bindings) {
      if (bindings.length > 0) return prepared(query).all(...bindings);
      if (query.startsWith("SELECT")) return prepared(query).all();
      database.exec(query);
      return [];
    },
    each(/** @type {string} */ query, /** @type {any[]} */ bindings, /** @type {(row: any) => boolean} */ take) {
      for (const row of prepared(query).iterate(...bindings)) if (!take(row)) break;
    },
    transaction(/** @type {() => unknown} */ body) {
      database.exec("BEGIN");
      const result = body();
      database.exec("COMMIT");
      return result;
    },
    size: () => 0,
  };
}

/** The parts of the relay that are measured, bundled. @returns {Promise<any>} */
async function loadParts() {
  const parts = [
    "protocol/secp256k1",
    "protocol/message",
    "protocol/event",
    "protocol/verify",
    "protocol/filter",
    "relay/subscription-index",
    "store/schema",
    "store/event-store",
    "store/query-plan",
    "store/scan",
  ];
  const contents = parts.map((part) => `export * from "./${part}.ts";`).join("\n");
  const stdin = { contents, resolveDir: join(ROOT, "src") };
  const result = await build({ stdin, bundle: true, format: "esm", write: false, target: "node22" });
  const source = Buffer.from(/** @type {Uint8Array} */ (result.outputFiles[0]?.contents)).toString("base64");
  return import(`data:text/javascript;base64,${source}`);
}
