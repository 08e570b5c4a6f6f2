// @ts-check
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeFrames } from "../src/hosts/node/frame.ts";
import { openSql } from "../src/hosts/node/sql.ts";
import { createCrypto } from "../src/protocol/crypto/secp256k1.ts";
import { HashedEvent, VerifiedEvent } from "../src/protocol/crypto/verify.ts";
import { parseEvent } from "../src/protocol/event.ts";
import { matches, parseFilter } from "../src/protocol/filter.ts";
import { parseClientMessage } from "../src/protocol/message.ts";
import { sumsOf } from "../src/protocol/negentropy/records.ts";
import { searchableText, searchTokens } from "../src/protocol/search/search-text.ts";
import { COST } from "../src/protocol/work.ts";
import { EventStore } from "../src/store/event-store.ts";
import { migrate } from "../src/store/schema.ts";
import { eventFrame, sampleEvents } from "./sample.ts";
import { Signer } from "./signer.ts";

// The unit of work (src/protocol/work.ts) is about a microsecond of one core. This prints what things take, beside the numbers
// that the relay counts with: CPU time, the median of several runs, in microseconds.
//   node bench/work.mjs

const RUNS = 9;
/** CPU time of one run, in microseconds: what the kernel counts by is a part of it. */
const RUN_MICROS = 50_000;
const EVENTS = 6000;

const wasm = readFileSync(new URL("../src/protocol/crypto/secp256k1.wasm", import.meta.url));
const crypto = createCrypto(new WebAssembly.Module(wasm));
const events = sampleEvents(EVENTS);
const long = new Signer(1).sign({ kind: 1, created_at: 1_700_000_000, tags: [], content: "some words ".repeat(9000) });
const hashed = events.map((event) => valueIn(HashedEvent.check(event, crypto)));
const verified = VerifiedEvent.checkAll(hashed, crypto).filter((one) => one !== undefined);
const hex = (/** @type {number} */ n) => n.toString(16).padStart(64, "0");

/** @type {[name: keyof typeof COST, micros: number][]} */
const lines = [...pure(), ...stored(), ...(await sent())];
console.log(`${"".padEnd(18)}${"units".padStart(10)}${"measured".padStart(12)}`);
for (const [name, micros] of lines) {
  console.log(`${name.padEnd(18)}${String(COST[name]).padStart(10)}${micros.toPrecision(2).padStart(12)}`);
}

/** @returns {[keyof typeof COST, number][]} */
function pure() {
  const frame = eventFrame(long);
  const read = () => {
    const message = parseClientMessage(frame);
    if (!message.ok || message.value.verb !== "EVENT") throw new Error("the frame cannot be read");
    HashedEvent.check(valueIn(parseEvent(message.value.event)), crypto);
  };
  const some = hashed.slice(0, 64);
  const filter = valueIn(parseFilter({ kinds: [1], "#t": ["topic-1", "topic-2"], since: 5 }, { andFilters: false }));
  const values = Array.from({ length: 10_000 }, (_, i) => hex(i));
  const ids = new Uint8Array(32 * 65_536).fill(7);
  const raws = verified.slice(0, 1000).map(({ raw }) => raw);
  return [
    ["character", time(read) / frame.length],
    ["signature", time(() => VerifiedEvent.checkAll(some, crypto)) / some.length],
    ["match", time(() => verified.forEach(({ event, tags }) => void matches(filter, event, tags))) / verified.length],
    ["value", time(() => parseFilter({ ids: values }, { andFilters: false })) / values.length],
    ["sum", time(() => exhaust(sumsOf(ids, 1 << 20))) / 65_536],
    ["parsed", time(() => raws.forEach((raw) => void JSON.parse(raw))) / lengthOf(raws)],
    ["searchCharacter", time(() => searchTokens(searchableText(long))) / long.content.length],
  ];
}

/** On a file, as the Node host has it. @returns {[keyof typeof COST, number][]} */
function stored() {
  const directory = mkdtempSync(join(tmpdir(), "nexus-work-"));
  const sql = openSql(join(directory, "work.sqlite"));
  try {
    migrate(sql);
    const store = new EventStore(sql);
    const written = sql.meter.written;
    const begun = cpu();
    for (let at = 0; at < verified.length; at += 100) store.put(verified.slice(at, at + 100));
    // SQLite does not count the entries of the three indexes that every event has.
    const writing = (cpu() - begun) / (sql.meter.written - written + 3 * EVENTS);
    const statement = time(() => sql.all("SELECT 1"));
    const rows = time(() => sql.all("SELECT seq FROM event LIMIT 1000"));
    const [[characters] = []] = sql.all("SELECT sum(length(raw)) FROM (SELECT raw FROM event LIMIT 1000)");
    const texts = time(() => sql.all("SELECT raw FROM event LIMIT 1000"));
    const [[entries] = []] = sql.all("SELECT count(*) FROM event WHERE kind = 1");
    const walk = time(() => sql.all("SELECT count(*) FROM event WHERE kind = 1"));
    const look = time(() =>
      sql.all("SELECT count(expiration IS NULL) FROM event INDEXED BY event_kind WHERE kind = 1"),
    );
    const wanted = JSON.stringify(events.slice(0, 100).map(({ id }) => id));
    const seeks = time(() =>
      sql.all("SELECT count(*) FROM json_each(?1) CROSS JOIN event e ON e.id = unhex(value)", wanted),
    );
    return [
      ["statement", statement],
      ["seek", (seeks - statement) / 100],
      ["row", (rows - statement) / 1000],
      ["rowCharacter", Math.max(0, texts - rows) / Number(characters)],
      ["entry", (walk - statement) / Number(entries)],
      ["look", (look - statement) / Number(entries)],
      ["write", writing],
    ];
  } finally {
    sql.close();
    rmSync(directory, { recursive: true });
  }
}

/** To a client on this machine that reads all of it. @returns {Promise<[keyof typeof COST, number][]>} */
async function sent() {
  const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  const micros = async (/** @type {string[]} */ frames) => {
    const times = [];
    for (let run = 0; run < RUNS; run++) {
      const begun = cpu();
      // The text is another each time, so that nothing is kept of the last.
      for (let i = 0; i < 20; i++) socket.write(encodeFrames([...frames, `${run} ${i}`]));
      times.push((cpu() - begun) / 20);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return middle(times);
  };
  const small = await micros(Array.from({ length: 500 }, (_, i) => `["OK","${i}",true,""]`));
  const large = await micros(Array.from({ length: 500 }, () => "x".repeat(1000)));
  socket.destroy();
  server.close();
  return [
    ["send", small / 500],
    ["sendCharacter", Math.max(0, large - small) / 500_000],
  ];
}

/** Microseconds of one call. @param {() => void} body */
function time(body) {
  const times = [];
  body();
  for (let run = 0; run < RUNS; run++) {
    let calls = 0;
    const begun = cpu();
    do {
      body();
      calls++;
    } while (cpu() - begun < RUN_MICROS);
    times.push((cpu() - begun) / calls);
  }
  return middle(times);
}

/** CPU time of this process so far, in microseconds. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** @param {number[]} times */
function middle(times) {
  return times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
}

/** @param {Iterator<unknown>} steps */
function exhaust(steps) {
  while (!steps.next().done);
}

/** @param {readonly string[]} texts */
function lengthOf(texts) {
  return texts.reduce((total, { length }) => total + length, 0);
}

/** @template T @param {import("../src/protocol/reason.ts").Result<T>} result @returns {T} */
function valueIn(result) {
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}
