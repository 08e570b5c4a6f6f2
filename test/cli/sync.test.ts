import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Connection } from "../../cli/client/connection.ts";
import { KeySigner } from "../../cli/client/crypto.ts";
import { Side } from "../../cli/sync/side.ts";
import { Transfer } from "../../cli/sync/transfer.ts";
import type { Event } from "../../src/protocol/event.ts";
import { now } from "../support/keys.ts";
import { type PlainRelay, startPlainRelay } from "../support/plain-relay.ts";
import { type Server, startServer, until } from "../support/server.ts";
import { hex, NEXUS, openPlace, operator, type Place } from "./command.ts";

const signer = new KeySigner(hex(operator.secret));
const T = now() - 10_000;
let kind = 2000;
let serial = 0;

/** Events of the kind at hand, one in each second unless told otherwise. */
function make(count: number, from = T, step = 1): Event[] {
  return Array.from({ length: count }, (_, i) =>
    signer.sign({ kind, created_at: from + i * step, content: `event ${++serial}` }),
  );
}

interface Counts {
  found: number;
  copied: number;
  known: number;
  refused: Record<string, number>;
}
interface Summary {
  down?: Counts;
  up?: Counts;
  negentropy: boolean;
  incomplete: number[];
}

let place: Place;

beforeAll(async () => {
  place = await openPlace();
});

afterAll(() => place.end());

beforeEach(() => {
  kind++;
});

/** A side of a relay, logged in as the operator. */
async function sideAt(url: string): Promise<Side> {
  return new Side(await Connection.open({ url, name: url }, signer), {});
}

async function put(url: string, events: readonly Event[]): Promise<void> {
  const side = await sideAt(url);
  const transfer = new Transfer(side, side, false);
  await transfer.put(events);
  expect(transfer.done).toMatchObject({ refused: {} });
  side.connection.close();
}

/** The ids that a relay has of the kind at hand, sorted; it gives 5,000 at most. */
async function idsAt(url: string): Promise<string[]> {
  const side = await sideAt(url);
  const events = await side.request({ kinds: [kind], limit: 5000 });
  side.connection.close();
  return events.map(({ id }) => id).sort();
}

const idsOf = (...events: Event[][]) =>
  events
    .flat()
    .map(({ id }) => id)
    .sort();

const runSync = (url: string, ...args: string[]) => place.json<Summary>("sync", url, "-k", String(kind), ...args);

describe("with a relay that has NIP-77", () => {
  let peer: Server;

  beforeAll(async () => {
    peer = await startServer({ RELAY_PUBKEY: operator.pubkey, MAX_NEG_RECORDS: "150" });
  });

  afterAll(() => peer.stop());

  test("both have the same at the end; the peer compares 150 events at a time", async () => {
    const [common, mine, theirs] = [make(400, T), make(30, T + 50), make(40, T + 200)];
    await put(place.server.url, [...common, ...mine]);
    await put(peer.url, [...common, ...theirs]);

    const dry = await runSync(peer.url, "--dry-run");
    expect(dry).toMatchObject({ negentropy: true, down: { found: 40, copied: 0 }, up: { found: 30, copied: 0 } });
    expect(await idsAt(place.server.url)).toEqual(idsOf(common, mine));
    expect(await idsAt(peer.url)).toEqual(idsOf(common, theirs));

    const down = await runSync(peer.url, "--down");
    expect(down).toMatchObject({ down: { found: 40, copied: 40, refused: {} } });
    expect(down.up).toBeUndefined();
    expect(await idsAt(place.server.url)).toEqual(idsOf(common, mine, theirs));
    expect(await idsAt(peer.url)).toEqual(idsOf(common, theirs));

    expect(await runSync(peer.url)).toMatchObject({ down: { found: 0 }, up: { found: 30, copied: 30, refused: {} } });
    expect(await idsAt(peer.url)).toEqual(idsOf(common, mine, theirs));
    expect(await runSync(peer.url)).toMatchObject({ down: { found: 0 }, up: { found: 0 } });
  });

  test("what a filter leaves out stays where it is", async () => {
    await put(peer.url, [...make(10, T), ...make(5, T + 1000)]);
    expect(await runSync(peer.url, "--since", String(T + 1000))).toMatchObject({ down: { copied: 5 } });
    expect(await place.nexus(["sync", peer.url, "--limit", "5"])).toMatchObject({ code: 2 });
  });

  test("refusals are counted by reason, and end with 1", async () => {
    const author = new KeySigner("7".repeat(64));
    const event = author.sign({ kind, created_at: T, tags: [["-"]] });
    const own = await Connection.open({ url: peer.url, name: peer.url }, author);
    expect(await own.publish(event)).toMatchObject({ accepted: true });
    own.close();
    const { code, stdout, stderr } = await place.nexus(["sync", peer.url, "-k", String(kind)]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/0 copied to this relay\n {2}1 refused: \S+:/);
    expect(stderr).toMatch(/^error: the relays are not equal/);
    expect(await runSync(peer.url, "--restore")).toMatchObject({ down: { copied: 1, refused: {} } });
    expect(await idsAt(place.server.url)).toEqual([event.id]);
  });

  test("what comes is refused or restored as what was there before, and a refusal is told", async () => {
    const author = new KeySigner("7".repeat(64));
    const own = await Connection.open({ url: peer.url, name: peer.url }, author);
    const publish = async (content: string) => {
      const event = author.sign({ kind, content, tags: [["-"]] });
      expect(await own.publish(event)).toMatchObject({ accepted: true });
      return event.id;
    };
    const watched = async (args: string[], publishing: (told: () => string) => Promise<void>) => {
      const all = [NEXUS, "sync", peer.url, "-k", String(kind), "--down", "--watch", "--json", ...args];
      const env = { ...process.env, NEXUS_RELAY: place.server.url, NEXUS_KEY_FILE: "operator.key" };
      const child = spawn(process.execPath, all, { cwd: place.directory, env, stdio: ["ignore", "pipe", "pipe"] });
      let told = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        told += text;
      });
      await once(child.stdout, "data");
      await publishing(() => told).finally(() => child.kill("SIGKILL"));
    };
    await watched([], async (told) => {
      await publish("refused");
      await until("the refusal", () => /^1 refused: \S+:/.test(told()));
    });
    await watched(["--restore"], async () => {
      const id = await publish("restored");
      await until("it is there", async () => (await idsAt(place.server.url)).includes(id));
    });
    own.close();
  });

  test("a run that is killed leaves the next one the rest", async () => {
    const events = make(3000, T);
    await put(peer.url, events.slice(0, 2900));
    await put(place.server.url, events.slice(2800));
    const args = [
      NEXUS,
      "sync",
      peer.url,
      "-k",
      String(kind),
      "--relay",
      place.server.url,
      "--key-file",
      "operator.key",
    ];
    const child = spawn(process.execPath, args, { cwd: place.directory, stdio: "ignore" });
    const ended = once(child, "exit");
    await until("it has begun", async () => (await idsAt(place.server.url)).length > 200);
    child.kill("SIGKILL");
    await ended;
    const left = 2800 - ((await idsAt(place.server.url)).length - 200);
    expect(await runSync(peer.url)).toMatchObject({ down: { found: left, copied: left } });
    expect(await idsAt(place.server.url)).toEqual(idsOf(events));
    expect(await idsAt(peer.url)).toEqual(idsOf(events));
  });

  test("--watch goes on with what comes, both ways, and after a restart of either", async () => {
    const first = make(3, T);
    await put(peer.url, first);
    const args = [NEXUS, "sync", peer.url, "-k", String(kind), "--watch", "--json"];
    const env = { ...process.env, NEXUS_RELAY: place.server.url, NEXUS_KEY_FILE: "operator.key" };
    const child = spawn(process.execPath, args, { cwd: place.directory, env, stdio: ["ignore", "pipe", "inherit"] });
    try {
      const summaries: Summary[] = [];
      child.stdout.setEncoding("utf8").on("data", (line: string) => summaries.push(JSON.parse(line)));
      await until("the first sync", () => summaries.length === 1);
      expect(summaries[0]).toMatchObject({ down: { copied: 3 } });
      const [mine, theirs] = [make(2, T + 100), make(2, T + 200)];
      await put(place.server.url, mine);
      await put(peer.url, theirs);
      const bothHave = async (...events: Event[][]) => {
        const all = idsOf(...events).join();
        return (await idsAt(peer.url)).join() === all && (await idsAt(place.server.url)).join() === all;
      };
      await until("what came", () => bothHave(first, mine, theirs));
      await peer.kill();
      const during = make(2, T + 300);
      await put(place.server.url, during);
      await peer.restart();
      await until("what came meanwhile", () => bothHave(first, mine, theirs, during), 30_000);
      const last = make(1, T + 400);
      await put(peer.url, last);
      await until("what came then", () => bothHave(first, mine, theirs, during, last));
    } finally {
      child.kill("SIGKILL");
    }
  });
});

test("a relay that gives few events at a time gives all in the end", async () => {
  const peer = await startServer({ RELAY_PUBKEY: operator.pubkey, MAX_LIMIT: "20" });
  try {
    const events = make(70, T);
    await put(peer.url, events);
    expect(await runSync(peer.url)).toMatchObject({ negentropy: true, down: { found: 70, copied: 70 } });
    expect(await idsAt(place.server.url)).toEqual(idsOf(events));
  } finally {
    await peer.stop();
  }
});

test("a relay that is silent is left, and asked anew", async () => {
  const args = [NEXUS, "sync", place.server.url, "-k", String(kind), "--watch", "--json", "--relay", place.server.url];
  const env = { ...process.env, NEXUS_KEY_FILE: "operator.key", NEXUS_PING_MS: "1000" };
  const child = spawn(process.execPath, args, { cwd: place.directory, env, stdio: ["ignore", "pipe", "pipe"] });
  try {
    let shown = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        shown += text;
      });
    }
    await until("the first sync", () => shown.includes("round"));
    process.kill(place.server.pid(), "SIGSTOP");
    await until("it is left", () => shown.includes("connecting again"));
    shown = "";
    process.kill(place.server.pid(), "SIGCONT");
    await until("it is synced again", () => shown.includes("round"), 40_000);
  } finally {
    process.kill(place.server.pid(), "SIGCONT");
    child.kill("SIGKILL");
  }
});

describe("with a relay that has EVENT and REQ only, 500 events at a time", () => {
  let peer: PlainRelay;

  beforeAll(async () => {
    peer = await startPlainRelay({ page: 500, needsLogin: true });
  });

  afterAll(() => peer.end());

  const store = (events: readonly Event[]) => {
    for (const event of events) peer.events.set(event.id, event as never);
  };

  test("both have the same at the end, though pages end within a second", async () => {
    // 7 in each second: 500 is no multiple of it.
    const common = make(1400, T).map((event, i) => signer.sign({ ...event, created_at: T + Math.floor(i / 7) }));
    const [mine, theirs] = [make(60, T - 30, 3), make(60, T - 31, 3)];
    store([...common, ...theirs]);
    await put(place.server.url, [...common, ...mine]);
    const summary = await runSync(peer.url);
    expect(summary).toMatchObject({ negentropy: false, incomplete: [], down: { copied: 60 }, up: { copied: 60 } });
    expect(await idsAt(place.server.url)).toEqual(idsOf(common, mine, theirs));
    expect([...peer.events.keys()].sort()).toEqual(idsOf(common, mine, theirs));
    expect(await runSync(peer.url)).toMatchObject({ down: { found: 0 }, up: { found: 0 } });
  });

  test("a second with exactly a page of events is complete, one with more is told", async () => {
    store([...make(500, T, 0), ...make(20, T - 50)]);
    const full = await place.nexus(["sync", peer.url, "-k", String(kind), "--json"]);
    expect(JSON.parse(full.stdout.split("\n")[0] ?? "")).toMatchObject({ down: { copied: 520 } });
    store(make(1, T, 0));
    const { code, stdout } = await place.nexus(["sync", peer.url, "-k", String(kind)]);
    expect(code).toBe(1);
    expect(stdout).toContain("than it gives at a time");
  });

  test("--pages reads a relay that has NIP-77 as well", async () => {
    const [mine, theirs] = [make(20, T), make(30, T + 5)];
    const other = await startServer({ RELAY_PUBKEY: operator.pubkey, ENABLE_NEGENTROPY: "false" });
    try {
      await put(place.server.url, mine);
      await put(other.url, theirs);
      expect(await runSync(other.url, "--pages")).toMatchObject({ down: { copied: 30 }, up: { copied: 20 } });
      expect(await runSync(other.url)).toMatchObject({ negentropy: false, down: { found: 0 }, up: { found: 0 } });
      expect(await idsAt(other.url)).toEqual(idsOf(mine, theirs));
    } finally {
      await other.stop();
    }
  });
});
