import { createReadStream, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Digest } from "../cli/data/digest.ts";
import { generate } from "./generate.ts";
import * as local from "./local.ts";
import { freePort, Relay, say, whole, workDirectory } from "./local.ts";
import { sleep } from "./process.ts";

// node bench/data.ts [EVENTS] [KILLS]: what import, export and backup of a large relay take, and whether they survive kills.

const EVENTS = Number(process.argv[2] ?? 1_000_000);
const KILLS = Number(process.argv[3] ?? 10);

interface Exported {
  events: number;
  digest: string;
}

const { directory, path } = workDirectory();
const succeed = <T>(relay: Relay, ...args: string[]) => local.succeed<T>(directory, relay, ...args);

/** What a relay has after each line of a file: called with its digest, until it says that this was enough. */
async function walk(file: string, isEnough: (digest: Digest, line: number) => boolean): Promise<void> {
  const current = new Map<string, string>();
  let digest = new Digest();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(file) })) {
    const { id, kind, pubkey, tags } = JSON.parse(text) as {
      id: string;
      kind: number;
      pubkey: string;
      tags: string[][];
    };
    digest.add(id);
    if (kind === 30_078) {
      const address = `${pubkey} ${tags[0]?.[1]}`;
      const before = current.get(address);
      if (before !== undefined) digest = without(digest, before);
      current.set(address, id);
    }
    if (isEnough(digest, ++line)) return;
  }
}

function without(digest: Digest, id: string): Digest {
  const left = BigInt.asUintN(256, BigInt(`0x${digest}`) - BigInt(`0x${id}`));
  return new Digest(left.toString(16), digest.count - 1);
}

/** Lines of the file that the import has behind it. */
function importedLines(): number {
  try {
    return (JSON.parse(readFileSync(path("events.jsonl.progress"), "utf8")) as { position: number }).position;
  } catch {
    return 0;
  }
}

try {
  const file = path("events.jsonl");
  await generate(file, EVENTS);
  say(`${whole(EVENTS)} events, ${whole(statSync(file).size / 1e6)} MB`);
  let expected = new Digest();
  await walk(file, (digest) => {
    expected = digest;
    return false;
  });

  const first = new Relay(directory, "first", await freePort());
  await first.start();
  const imported = await succeed(first, "import", "events.jsonl");
  const { seconds, peak } = imported;
  say(
    `import: ${whole(seconds)} s, ${whole(EVENTS / seconds)} events/s; peak memory ${whole(peak.command)} MB command, ${whole(peak.relay)} MB relay`,
  );
  const exported = await succeed<Exported>(first, "export", "first.jsonl.zst");
  say(
    `export: ${whole(exported.seconds)} s, ${whole(exported.result.events / exported.seconds)} events/s; peak memory ${whole(exported.peak.command)} MB command, ${whole(exported.peak.relay)} MB relay; ${whole(statSync(path("first.jsonl.zst")).size / 1e6)} MB`,
  );
  check("the export has what was imported", exported.result, expected);
  const repeated = await succeed(first, "import", "first.jsonl.zst");
  say(
    `import of what is there: ${whole(repeated.seconds)} s, ${whole(exported.result.events / repeated.seconds)} events/s`,
  );
  await first.end("SIGTERM");
  rmSync(first.data, { recursive: true });

  const second = new Relay(directory, "second", await freePort());
  await second.start();
  let kills = 0;
  const places = Array.from({ length: KILLS }, () => Math.random() * EVENTS).sort((a, b) => a - b);
  for (;;) {
    const { child, done } = local.command(directory, second, "import", "events.jsonl");
    let over = false;
    void done.then(() => (over = true));
    while (!over && kills < KILLS) {
      while (!over && importedLines() < (places[kills] as number)) await sleep(20);
      await sleep(300 * Math.random());
      if (over) break;
      kills++;
      if (kills % 2 === 0) {
        await second.end("SIGKILL");
        await second.start();
      } else {
        child.kill("SIGKILL");
        await done;
      }
    }
    const { code, signal, stderr } = await done;
    if (code === 0) break;
    if (signal === null) throw new Error(stderr);
  }
  const survived = await succeed<Exported>(second, "export", "second.jsonl.gz");
  say(`killed ${kills} times with kill -9, command and relay in turn`);
  check("the set is exactly right", survived.result, expected);
  await second.end("SIGTERM");
  rmSync(second.data, { recursive: true });

  const third = new Relay(directory, "third", await freePort());
  await third.start();
  const importing = succeed(third, "import", "events.jsonl");
  while (importedLines() < EVENTS / 3) await sleep(20);
  const backup = await succeed<{ events: number; bytes: number }>(third, "backup", "backup.sqlite");
  say(
    `backup under load: ${backup.seconds.toFixed(1)} s, ${whole(backup.result.bytes / 1e6)} MB, ${whole(backup.result.events)} events`,
  );
  await importing;
  await third.end("SIGTERM");
  const restored = new Relay(directory, "restored", await freePort());
  mkdirSync(restored.data, { mode: 0o700 });
  renameSync(path("backup.sqlite"), join(restored.data, "nexus.sqlite"));
  await restored.start();
  const state = await succeed<Exported>(restored, "export", "restored.jsonl.zst");
  let existed = 0;
  await walk(file, (digest, line) => {
    if (`${digest}` === state.result.digest && digest.count === state.result.events) existed = line;
    return existed > 0;
  });
  if (existed === 0) throw new Error("the backup is of no state that existed");
  say(`the backup is the state after line ${whole(existed)} of the import`);
  await restored.end("SIGTERM");
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function check(what: string, found: Exported, expected: Digest): void {
  const is = found.digest === `${expected}` && found.events === expected.count;
  if (!is) throw new Error(`not so: ${what}: ${JSON.stringify(found)} instead of ${expected.count} ${expected}`);
  say(`${what}: ${whole(found.events)} events, digest ${found.digest.slice(0, 16)}…`);
}
