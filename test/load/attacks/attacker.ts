import { setPriority } from "node:os";
import { createInterface } from "node:readline";
import { Attacker, bytesOf, type Frame } from "./attack.ts";
import { caseOf } from "./cases.ts";

// A process that attacks: node attacker.ts URL TITLE SECONDS, a title of `cases.ts`. Prints "ready", waits for a
// line, attacks for so long, prints what it has done as JSON.

const [url = "", title = "", seconds = "3"] = process.argv.slice(2);
const { attack, connections, login } = caseOf(title);

/** As much as is handed to a socket at once. */
const BATCH = 1 << 16;
/** A connection that was closed comes back after so long. */
const COME_BACK_MS = 50;

/** Nobody waits longer for the last answer: fifty may well have asked for more than the relay gives in a minute. */
const PATIENCE_MS = 20_000;

const done = { sent: 0, bytes: 0, answers: 0, closed: 0, unanswered: 0, slowestMs: 0 };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function open(n: number): Promise<Attacker> {
  const by = await Attacker.open(url, n, { login, ...(attack.key === undefined ? {} : { key: attack.key }) });
  if (attack.isDeaf) by.socket.tcp.pause();
  return by;
}

/** As many frames as make a batch; undefined when there are no more. */
function batcher(frames: Iterator<Frame>): () => Uint8Array | undefined {
  let [last, lastBytes]: [Frame | undefined, Uint8Array] = [undefined, new Uint8Array()];
  return () => {
    const parts: Uint8Array[] = [];
    for (let size = 0; size < BATCH; size += lastBytes.length) {
      const { done: isOver, value } = frames.next();
      if (isOver) break;
      if (value !== last) [last, lastBytes] = [value, bytesOf(value)];
      parts.push(lastBytes);
      done.sent++;
    }
    return parts.length === 0 ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
  };
}

async function flood(by: Attacker, frames: Iterator<Frame>, endsAt: number): Promise<void> {
  const next = batcher(frames);
  while (performance.now() < endsAt && by.socket.isOpen) {
    const batch = next();
    if (batch === undefined) return;
    done.bytes += batch.length;
    const mayGoOn = by.socket.write(batch);
    if (!mayGoOn) await Promise.race([drained(by), pause(Math.max(0, endsAt - performance.now()))]);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function drained(by: Attacker): Promise<void> {
  return new Promise((resolve) => {
    const { tcp } = by.socket;
    const end = () => {
      tcp.off("drain", end);
      tcp.off("close", end);
      resolve();
    };
    tcp.on("drain", end);
    tcp.on("close", end);
  });
}

async function inTurn(by: Attacker, frames: Iterator<Frame>, endsAt: number): Promise<void> {
  const tooLong = pause(endsAt - performance.now() + PATIENCE_MS);
  while (performance.now() < endsAt && by.socket.isOpen) {
    const { done: isOver, value } = frames.next();
    if (isOver) return;
    const startedAt = performance.now();
    done.sent++;
    done.bytes += value.length;
    try {
      if ((await Promise.race([by.ask(value), tooLong])) === undefined) {
        done.unanswered++;
        return;
      }
    } catch (error) {
      if (by.socket.isOpen) throw error;
    }
    done.slowestMs = Math.max(done.slowestMs, Math.round(performance.now() - startedAt));
  }
}

/** The frames of a connection, the first of which is made now. */
function prepared(by: Attacker): Iterator<Frame> {
  const frames = attack.frames(by)[Symbol.iterator]();
  const first = frames.next();
  return (function* () {
    for (let next = first; !next.done; next = frames.next()) yield next.value;
  })();
}

async function attackWith(first: Attacker, ready: Iterator<Frame>, n: number, endsAt: number) {
  let by: Attacker | undefined = first;
  let sent = ready;
  while (performance.now() < endsAt) {
    if (by !== undefined) {
      await (attack.inTurn ? inTurn : flood)(by, sent, endsAt);
      done.answers += by.answers;
      if (by.socket.isOpen) break;
      done.closed++;
    }
    await pause(COME_BACK_MS);
    by = await open(n).catch(() => undefined);
    if (by !== undefined) sent = prepared(by);
  }
}

const all = await Promise.all(Array.from({ length: connections }, (_, n) => open(n)));
for (const by of all) await attack.before?.(by);
const frames = all.map(prepared);
// From here on it has what time the others leave: it stands for other machines.
setPriority(5);
console.log("ready");
for await (const _ of createInterface({ input: process.stdin })) break;
const endsAt = performance.now() + Number(seconds) * 1000;
const more = attack.instead
  ? await attack.instead(url, endsAt)
  : await Promise.all(all.map((by, n) => attackWith(by, frames[n] as Iterator<Frame>, n, endsAt)));
console.log(JSON.stringify({ ...done, ...(attack.instead && more) }));
process.exit();
