import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, bob, carol, unique } from "../support/keys.ts";
import { openClient, type Server, startServer } from "../support/server.ts";
import { hex, openPlace, operator, type Place, self } from "./command.ts";

let place: Place;

beforeAll(async () => {
  place = await openPlace();
});

afterAll(() => place.end());

const SETTINGS = { RELAY_SECRET_KEY: hex(self.secret), RELAY_PUBKEY: operator.pubkey };

interface Bundled {
  events: number;
  digest: string;
  quiet: boolean;
  rows: Record<string, number>;
}

/** What somebody sees of a relay, and what its operator does. */
async function seen(server: Server) {
  const env = { NEXUS_RELAY: server.url };
  const client = await openClient(server.url);
  await client.auth(bob, server.url);
  const filters = [
    {},
    { kinds: [1] },
    { kinds: [13_534, 33_534] },
    { authors: [alice.pubkey] },
    { "#t": ["a"] },
    { "#p": [bob.pubkey], kinds: [1059] },
    { search: "corpus" },
  ];
  const answers = [];
  for (const filter of filters) answers.push(await client.query(filter));
  client.close();
  const lists = [];
  for (const command of [
    ["member", "list"],
    ["role", "list"],
    ["ban"],
    ["allow"],
    ["invite", "list"],
    ["admin", "list"],
  ]) {
    const { code, stdout, stderr } = await place.nexus(["--json", ...command], { env });
    expect([command, code, stderr]).toEqual([command, 0, ""]);
    lists.push(JSON.parse(stdout));
  }
  const { name } = (await (await fetch(server.httpUrl, { headers: { Accept: "application/nostr+json" } })).json()) as {
    name: string;
  };
  return { answers, lists, name };
}

test("a bundle goes from Node to workerd and back, and every answer, member, ban and setting stays the same", async () => {
  const events = Array.from({ length: 60 }, (_, i) =>
    unique([alice, bob][i % 2] ?? alice, {
      kind: [1, 7, 30_023, 0][i % 4] as number,
      tags: [
        ["t", "ab"[i % 3] ?? "c"],
        ["d", `${i % 5}`],
      ],
    }),
  );
  events.push(
    unique(alice, { content: "a corpus of words" }),
    unique(alice, { kind: 1059, tags: [["p", bob.pubkey]] }),
  );
  const input = events.map((event) => JSON.stringify(event)).join("\n");
  expect(await place.nexus(["import"], { input })).toMatchObject({ code: 0 });
  for (const args of [
    ["role", "create", "mod", "--label", "Moderator"],
    ["role", "assign", alice.pubkey, "mod"],
    ["ban", carol.pubkey, "--reason", "spam"],
    ["ban", "203.0.113.7"],
    ["invite", "new"],
    ["admin", "add", bob.pubkey, "banpubkey"],
  ]) {
    expect([args, await place.nexus(args)]).toEqual([args, expect.objectContaining({ code: 0 })]);
  }
  const before = await seen(place.server);
  expect(before.answers.map((answer) => answer.length > 0)).toEqual(before.answers.map(() => true));
  const first = await place.json<Bundled>("bundle", "first.bundle.zst");
  expect(first).toMatchObject({ quiet: true });
  const there = await startServer(SETTINGS, "workers");
  const back = await startServer(SETTINGS, "node");
  try {
    const restore = async (server: Server, file: string) => {
      const { code, stdout } = await place.nexus(["--json", "restore", file], { env: { NEXUS_RELAY: server.url } });
      expect(code).toBe(0);
      return JSON.parse(stdout);
    };
    expect(await restore(there, "first.bundle.zst")).toMatchObject({
      exact: true,
      events: first.events,
      digest: first.digest,
    });
    expect(await seen(there)).toEqual(before);
    const again = await place.nexus(["--json", "bundle", "second.bundle.gz"], { env: { NEXUS_RELAY: there.url } });
    const second = JSON.parse(again.stdout) as Bundled;
    expect(second).toMatchObject({ events: first.events, digest: first.digest });
    expect(second.rows.access).toBe(first.rows.access);
    expect(await restore(back, "second.bundle.gz")).toMatchObject({ exact: true, digest: first.digest });
    expect(await seen(back)).toEqual(before);
    const refused = await place.nexus(["restore", "second.bundle.gz"], { env: { NEXUS_RELAY: back.url } });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/this relay is not empty/) });
  } finally {
    await there.stop();
    await back.stop();
  }
}, 180_000);

test("a relay that shows more than that of the bundle gets no event, unless the command says so", async () => {
  const wrap = JSON.stringify(unique(alice, { kind: 1059, tags: [["p", bob.pubkey]] }));
  await place.nexus(["import"], { input: wrap });
  const { events } = await place.json<Bundled>("bundle", "closed.bundle.gz");
  const open = await startServer({ ...SETTINGS, AUTH_REQUIRED: "false", PRIVATE_KINDS: "4" });
  try {
    const env = { NEXUS_RELAY: open.url };
    const refused = await place.nexus(["restore", "closed.bundle.gz"], { env });
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/kinds .*1059.*READ_ACCESS is open.*--open/),
    });
    const ids = async () => (await place.nexus(["export", "--private-kind", "1059"], { env })).stdout;
    expect(await ids()).not.toContain(JSON.parse(wrap).id);
    const restored = await place.nexus(["--json", "restore", "--open", "closed.bundle.gz"], { env });
    expect(restored).toMatchObject({ code: 0 });
    expect(JSON.parse(restored.stdout)).toMatchObject({ events });
    expect(await ids()).toContain(JSON.parse(wrap).id);
  } finally {
    await open.stop();
  }
});

test("what is no whole bundle is not restored", async () => {
  await place.nexus(["bundle", "whole.bundle.gz"]);
  const text = String(gunzipSync(readFileSync(join(place.directory, "whole.bundle.gz"))));
  expect((await place.nexus(["import", "whole.bundle.gz"])).stderr).toMatch(/is a bundle: nexus restore/);
  const write = (name: string, content: string) => writeFileSync(join(place.directory, name), gzipSync(content));
  write("changed.gz", text.replace('"banned-', '"Banned-').replace('"id":"', '"id": "'));
  write("cut.gz", text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1));
  write("events.gz", '{"id":""}\n');
  for (const [name, reason] of [
    ["changed.gz", /digest is another/],
    ["cut.gz", /end is missing/],
    ["events.gz", /no bundle/],
  ] as const) {
    const { code, stderr } = await place.nexus(["restore", name]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(reason)]);
  }
});

test("R-05-81 of a bundle with a row that the relay refuses nothing is written", async () => {
  await place.nexus(["ban", bob.pubkey]);
  await place.nexus(["bundle", "right.bundle.gz"]);
  const lines = String(gunzipSync(readFileSync(join(place.directory, "right.bundle.gz"))))
    .split("\n")
    .slice(0, -1);
  const { end } = JSON.parse(lines.pop() ?? "");
  lines.push('{"table":"vanished","rows":[["nobody","never"]]}', "");
  const before = lines.join("\n");
  end.sha256 = createHash("sha256").update(before).digest("hex");
  writeFileSync(join(place.directory, "wrong.gz"), gzipSync(`${before}${JSON.stringify({ end })}\n`));
  const server = await startServer(SETTINGS);
  try {
    const env = { NEXUS_RELAY: server.url };
    const refused = await place.nexus(["restore", "wrong.gz"], { env });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("not those of this table") });
    expect((await place.nexus(["ban", "--json"], { env })).stdout).toBe("[]\n");
    // It is as empty as before.
    expect(await place.nexus(["restore", "right.bundle.gz"], { env })).toMatchObject({ code: 0 });
    expect((await place.nexus(["ban", "--json"], { env })).stdout).toContain(bob.pubkey);
  } finally {
    await server.stop();
  }
}, 60_000);
