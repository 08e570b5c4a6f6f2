import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Signer } from "../../bench/signer.ts";
import { LineSource } from "../../cli/data/lines.ts";
import { alice, bob, unique } from "../support/keys.ts";
import { startServer, until } from "../support/server.ts";
import { NEXUS, openPlace, operator, type Place } from "./command.ts";

let place: Place;

beforeAll(async () => {
  // Without a key of its own the relay publishes nothing itself.
  place = await openPlace({ RELAY_SECRET_KEY: "" });
});

afterAll(() => place.end());

interface Exported {
  events: number;
  digest: string;
}

interface Imported {
  lines: number;
  stored: number;
  duplicates: number;
  refused: Record<string, number>;
}

const signers = Array.from({ length: 20 }, (_, i) => new Signer(i + 1));
let serial = 0;

/** So many events, signed in no time. */
function events(count: number): { id: string }[] {
  return Array.from({ length: count }, () => {
    const i = serial++;
    const signer = signers[i % signers.length] as Signer;
    return signer.sign({
      kind: 1,
      created_at: 1_700_000_000 + i,
      tags: [["t", `${i % 9}`]],
      content: `${i} `.repeat(60),
    });
  });
}

const text = (all: readonly object[]) => all.map((event) => `${JSON.stringify(event)}\n`).join("");
const idsIn = (jsonl: string) =>
  jsonl
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).id as string);
const file = (name: string) => join(place.directory, name);

/** An empty relay of its own, with the same operator. */
async function another() {
  const server = await startServer({ RELAY_PUBKEY: operator.pubkey });
  return { server, env: { NEXUS_RELAY: server.url } };
}

/** Runs the command, and kills it as soon as something is so; whether that was before its end. */
async function killed(args: readonly string[], isSo: () => boolean): Promise<boolean> {
  const env = { ...process.env, NEXUS_RELAY: place.server.url, NEXUS_KEY_FILE: "operator.key" };
  const child = spawn(process.execPath, [NEXUS, ...args], { cwd: place.directory, env, stdio: "ignore" });
  const ended = once(child, "exit");
  await until("it is so, or over", () => isSo() || child.exitCode !== null, 30_000);
  child.kill("SIGKILL");
  await ended;
  return child.signalCode === "SIGKILL";
}

test("what is exported, compressed or not, is what another relay has after its import", async () => {
  const all = events(300);
  const wrap = unique(alice, { kind: 1059, tags: [["p", bob.pubkey]] });
  writeFileSync(file("all.jsonl"), text([...all, wrap]));
  expect(await place.json("import", "all.jsonl")).toMatchObject({
    lines: 301,
    stored: 301,
    duplicates: 0,
    refused: {},
  });
  const plain = await place.json<Exported>("export", "plain.jsonl");
  expect(plain.events).toBe(300);
  const whole = await place.json<Exported>("export", "--private-kind", "1059", "whole.jsonl.gz");
  expect(whole.events).toBe(301);
  expect(await place.json<Exported>("export", "plain.jsonl.zst")).toEqual({ ...plain, file: "plain.jsonl.zst" });
  expect(idsIn(String(gunzipSync(readFileSync(file("whole.jsonl.gz")))))).toEqual([...all, wrap].map(({ id }) => id));
  expect((await place.nexus(["export"])).stdout).toBe(readFileSync(file("plain.jsonl"), "utf8"));
  expect((await place.nexus(["export", "plain.jsonl"])).stderr).toMatch(/there already/);
  const { server, env } = await another();
  try {
    for (const name of ["plain.jsonl.zst", "whole.jsonl.gz"]) {
      expect(await place.nexus(["import", name], { env })).toMatchObject({ code: 0 });
    }
    const { stdout } = await place.nexus(["--json", "export", "--private-kind", "1059", "copy.jsonl"], { env });
    expect(JSON.parse(stdout)).toMatchObject({ events: whole.events, digest: whole.digest });
    const again = await place.nexus(["--json", "import"], { env, input: readFileSync(file("plain.jsonl"), "utf8") });
    expect(JSON.parse(again.stdout)).toMatchObject({ stored: 0, duplicates: 300 });
  } finally {
    await server.stop();
  }
});

test("a summary tells what was refused and why; what is damaged is a failure", async () => {
  const [good] = events(1);
  const deleted = unique(bob);
  const deletion = unique(bob, { kind: 5, tags: [["e", deleted.id]] });
  const forged = { ...unique(bob), content: "other" };
  const input = text([good as object, deletion, deleted]);
  const ok = await place.nexus(["--json", "import"], { input });
  expect(ok.code).toBe(0);
  expect(JSON.parse(ok.stdout)).toMatchObject({ stored: 2, refused: { "blocked: deleted by its author": 1 } });
  const { code, stdout, stderr } = await place.nexus(["import"], { input: `${text([forged])}nothing\n` });
  expect(code).toBe(1);
  expect(stdout).toMatch(/refused:\n.*invalid: .* +1\n/);
  expect(stderr).toMatch(/2 lines are not as an event has to be/);
  const cut = zstdCompressSync(text(events(50))).subarray(0, -9);
  writeFileSync(file("cut.zst"), cut);
  expect((await place.nexus(["import", "cut.zst"])).stderr).toMatch(/damaged: the zstd data ends/);
  expect((await place.nexus(["import", "none.jsonl"])).stderr).toMatch(/none.jsonl cannot be read/);
  const other = await place.nexus(["export"], { env: { NEXUS_KEY_FILE: place.keyFile("bob.key", bob) } });
  expect(other).toMatchObject({ code: 1, stdout: "" });
});

test("a pipe is imported to its end, and no bundle is read from one", async () => {
  execFileSync("mkfifo", [file("pipe")]);
  const lines = 4100;
  const importing = place.nexus(["--json", "import", "pipe"]);
  await writeFile(file("pipe"), "{}\n".repeat(lines));
  const { code, stdout, stderr } = await importing;
  expect(stderr).toMatch(/4100 lines are not as an event/);
  expect([code, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({ lines })]);
  const refused = await place.nexus(["restore", "pipe"]);
  expect([refused.code, refused.stderr]).toEqual([1, "error: pipe is no file: a bundle is read several times\n"]);
  expect((await place.nexus(["import", "."])).stderr).toBe("error: . cannot be read: it is a directory\n");
});

test("of a file that grows no more than all is read", async () => {
  writeFileSync(file("growing"), "1\n");
  const source = new LineSource(file("growing"));
  appendFileSync(file("growing"), "2\n3\n");
  const lines: string[] = [];
  for await (const some of source.lines()) lines.push(...some);
  expect([lines, source.share]).toEqual([["1", "2", "3"], 1]);
});

test("a line without an end is handed on cut, in time that grows with its length alone, and what follows is whole", async () => {
  const long = file("long");
  writeFileSync(long, "1\n");
  // Looked through anew with each chunk, it would take a minute.
  for (let n = 0; n < 48; n++) appendFileSync(long, "x".repeat(1 << 20));
  appendFileSync(long, "\n2\n3");
  const lines: string[] = [];
  for await (const some of new LineSource(long).lines()) lines.push(...some);
  expect(lines.map((line) => line.length)).toEqual([1, 4 << 20, 1, 1]);
  expect([lines[0], ...lines.slice(2)]).toEqual(["1", "2", "3"]);
  const { code, stdout } = await place.nexus(["--json", "import", "long"]);
  expect([code, JSON.parse(stdout)]).toEqual([
    1,
    expect.objectContaining({ lines: 4, refused: expect.objectContaining({ "invalid: the line is too long": 1 }) }),
  ]);
});

test("an import and an export that are killed go on where they were", async () => {
  const all = events(4000);
  writeFileSync(file("many.jsonl.gz"), gzipSync(text(all)));
  const before = await place.json<Exported>("export", "before.jsonl");
  const progress = file("many.jsonl.gz.progress");
  expect(await killed(["import", "many.jsonl.gz"], () => existsSync(progress))).toBe(true);
  const { summary } = JSON.parse(readFileSync(progress, "utf8")) as { summary: Imported };
  expect(summary.lines).toBeGreaterThan(0);
  expect(summary.lines).toBeLessThan(4000);
  const rest = await place.json<Imported>("import", "many.jsonl.gz");
  // What was under way when it was killed is there already.
  expect(rest).toMatchObject({ lines: 4000, stored: 4000 - rest.duplicates, refused: {} });
  expect(rest.stored).toBeGreaterThanOrEqual(summary.stored);
  expect(existsSync(progress)).toBe(false);
  expect(await killed(["export", "after.jsonl.zst"], () => existsSync(file("after.jsonl.zst.progress")))).toBe(true);
  const { count } = JSON.parse(readFileSync(file("after.jsonl.zst.progress"), "utf8")) as { count: number };
  expect(count).toBeGreaterThan(0);
  // What a killed command has written half is cut off.
  writeFileSync(file("after.jsonl.zst.part"), "half", { flag: "a" });
  const resumed = await place.json<Exported>("export", "after.jsonl.zst");
  const direct = await place.json<Exported>("export", "direct.jsonl");
  expect(resumed).toEqual({ ...direct, file: "after.jsonl.zst" });
  expect(direct.events).toBe(before.events + 4000);
  const { server, env } = await another();
  try {
    await place.nexus(["import", "after.jsonl.zst"], { env });
    const copy = await place.nexus(["--json", "export", "copied.jsonl"], { env });
    expect(JSON.parse(copy.stdout)).toMatchObject({ events: direct.events, digest: direct.digest });
  } finally {
    await server.stop();
  }
});

test("an import waits for a relay that is killed, and ends with exactly what it was given", async () => {
  const all = events(3000);
  writeFileSync(file("survive.jsonl"), text(all));
  const before = await place.json<Exported>("export", "s1.jsonl");
  const importing = place.json<Imported>("import", "survive.jsonl");
  await until("some of it is imported", () => existsSync(file("survive.jsonl.progress")), 30_000);
  await place.server.kill();
  await place.server.restart();
  const { stored, duplicates, refused } = await importing;
  expect([stored + duplicates, refused]).toEqual([3000, {}]);
  const after = await place.json<Exported>("export", "s2.jsonl");
  expect(after.events).toBe(before.events + 3000);
  expect(
    idsIn(readFileSync(file("s2.jsonl"), "utf8"))
      .slice(-3000)
      .sort(),
  ).toEqual(all.map(({ id }) => id).sort());
});

test("the data directory of a relay that does not run is exported and imported directly", async () => {
  const { server, env } = await another();
  try {
    await place.nexus(["import"], { env, input: text(events(100)) });
    const data = server.dataDirectory;
    const busy = await place.nexus(["export", "--data", data]);
    expect(busy).toMatchObject({ code: 1, stderr: expect.stringMatching(/Another relay runs on the data directory/) });
    await server.kill("SIGTERM");
    const first = await place.json<Exported>("export", "--data", data, "local.jsonl");
    expect(first.events).toBe(100);
    writeFileSync(file("more.jsonl"), text(events(200)));
    expect(await place.json("import", "--data", data, "more.jsonl")).toMatchObject({ stored: 200 });
    await server.restart();
    const { stdout } = await place.nexus(["--json", "export", "served.jsonl"], { env });
    expect(JSON.parse(stdout)).toMatchObject({ events: 300 });
    expect((await place.nexus(["export", "--data", place.directory])).stderr).toMatch(/no data of a relay/);
  } finally {
    await server.stop();
  }
});
