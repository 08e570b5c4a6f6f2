import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { nip19 } from "nostr-tools";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alice, bob, unique } from "../support/keys.ts";
import { storeSetting } from "../support/stored-setting.ts";
import { openPlace, operator, type Place } from "./command.ts";

let place: Place;

beforeAll(async () => {
  place = await openPlace();
});

afterAll(() => place.end());

const npub = nip19.npubEncode(alice.pubkey);

async function succeed(...args: string[]) {
  expect(await place.nexus(args)).toMatchObject({ code: 0, stderr: "" });
}

test("an invite has a code, the relay's URL, a link that holds both, and a QR code", async () => {
  const { code, link, relay } = await place.json<Record<string, string>>("invite", "new");
  expect(relay).toBe(`${place.server.url}/`);
  expect(link).toBe(`${place.server.httpUrl}/invite#${code}`);
  const app = await place.json<{ link: string; code: string }>("invite", "new", "--app", "https://app.example/join");
  expect([...new URL(app.link).searchParams]).toEqual([
    ["r", relay],
    ["c", app.code],
  ]);
  expect((await place.nexus(["invite", "new"])).stdout).toMatch(/code {3}\w+\n[\s\S]*█ █▀▀▀█ █/);
});

test("an invite is accepted by its code, or by a link that holds it; a used one is refused", async () => {
  const { code, link } = await place.json<Record<string, string>>("invite", "new");
  const joining = { env: { NEXUS_KEY_FILE: place.keyFile("bob.key", bob) } };
  expect(await place.nexus(["invite", "accept", code ?? ""], joining)).toMatchObject({ code: 0, stderr: "" });
  expect(await place.json("member", "show", bob.pubkey)).toMatchObject({ inviter: operator.pubkey });
  await succeed("member", "remove", bob.pubkey);
  const used = await place.nexus(["invite", "accept", link ?? ""], joining);
  expect(used).toMatchObject({ code: 1, stderr: expect.stringContaining("invite code") });
  const ofPage = (path: string) => async () => `${place.server.httpUrl}/${path}${(await fresh()).code}`;
  const fresh = (...app: string[]) => place.json<{ link: string; code: string }>("invite", "new", ...app);
  const links = [
    async () => (await fresh()).link,
    async () => (await fresh("--app", "https://app.example/join")).link,
    ofPage("invite/"),
    ofPage("#invite="),
  ];
  for (const linkOf of links) {
    await succeed("invite", "accept", await linkOf(), "--key-file", "bob.key");
    await succeed("member", "remove", bob.pubkey);
  }
});

test("keys are made and are members at once; no file is written over", async () => {
  const made = await place.json<{ file: string; npub: string }[]>("member", "new", "a.key", "b.key");
  expect(made.map(({ file }) => file)).toEqual(["a.key", "b.key"]);
  const members = await place.json<{ npub: string }[]>("member", "list");
  for (const { npub } of made) expect(members.map((member) => member.npub)).toContain(npub);
  expect(await place.nexus(["member", "new", "a.key"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("a.key is there already"),
  });
});

test("the file of a key that is refused does not stay, and those before it are told", async () => {
  const env = { NEXUS_KEY_FILE: "bob.key" };
  const refused = await place.nexus(["member", "new", "refused.key"], { env });
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(existsSync(join(place.directory, "refused.key"))).toBe(false);
  const { code, stdout } = await place.nexus(["--json", "member", "new", "first.key", "first.key"]);
  expect([code, JSON.parse(stdout)]).toEqual([1, [{ file: "first.key", npub: expect.stringMatching(/^npub1/) }]]);
});

test("bans of keys, events and addresses are made, listed and taken back", async () => {
  const event = unique(bob);
  await place.nexus(["publish"], { input: JSON.stringify(event) });
  await succeed("ban", npub, "--reason", "spam");
  await succeed("ban", nip19.noteEncode(event.id));
  await succeed("ban", "203.0.113.7");
  const bans = [
    { what: "key", subject: alice.pubkey, reason: "spam" },
    { what: "event", subject: event.id },
    { what: "ip", subject: "203.0.113.7" },
  ];
  expect(await place.json("ban")).toEqual(bans);
  expect((await place.nexus(["ban"])).stdout).toContain(npub);
  // No name that could be looked up, and no whole address.
  expect(await place.nexus(["ban", "203.0.113"])).toMatchObject({ code: 2 });
  expect(await place.json("count", JSON.stringify({ ids: [event.id] }))).toEqual({ count: 0 });
  const lifted = await place.nexus(["unban", npub]);
  expect(lifted.stdout).toContain(`The ban of ${npub} is lifted.`);
  expect(lifted.stdout).toContain("nexus member add");
  await succeed("unban", "--event", event.id);
  await succeed("unban", "203.0.113.7");
  expect(await place.json("ban")).toEqual([]);
});

test("R-05-74 what was not there is not said to be lifted or removed", async () => {
  const { id } = unique(bob);
  for (const args of [
    ["unban", npub],
    ["unban", "--event", id],
    ["unban", "203.0.113.9"],
    ["member", "remove", npub],
    ["admin", "remove", npub],
    ["allow", "--event", id, "--remove"],
    ["role", "delete", "nobody"],
    ["role", "unassign", npub, "nobody"],
  ]) {
    const { code, stdout } = await place.nexus(args);
    expect({ args, code, stdout }).toEqual({ args, code: 0, stdout: expect.stringContaining("Nothing to ") });
  }
  expect(await place.json("unban", npub)).toEqual({ method: "unbanpubkey", result: true, unchanged: true });
});

test("keys, events and kinds are allowed and no longer allowed", async () => {
  const { id } = unique(bob);
  await succeed("allow", "--event", id);
  await succeed("allow", "--kind", "1");
  const allowed = [
    { what: "event", subject: id },
    { what: "kind", subject: "1" },
  ];
  expect(await place.json("allow")).toEqual(allowed);
  await succeed("allow", "--event", id, "--remove");
  expect(await place.json("allow")).toEqual(allowed.slice(1));
  await succeed("allow", "--kind", "1", "--remove");
  await succeed("allow", "--kind", "1");
});

test("an admin has the methods that it was given, and no others", async () => {
  await succeed("admin", "add", npub, "banpubkey", "stats");
  const admins = await place.json<{ pubkey: string; methods: string[] }[]>("admin", "list");
  expect(admins.find(({ pubkey }) => pubkey === alice.pubkey)?.methods).toEqual(["banpubkey", "stats"]);
  const env = { NEXUS_KEY_FILE: place.keyFile("alice.key", alice) };
  expect(await place.nexus(["stats"], { env })).toMatchObject({ code: 0 });
  const refused = await place.nexus(["audit"], { env });
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("listaudit");
  await succeed("admin", "remove", npub);
  expect(await place.nexus(["stats"], { env })).toMatchObject({ code: 1 });
});

test("a reported event waits, and is judged", async () => {
  const event = unique(bob);
  const report = unique(alice, {
    kind: 1984,
    tags: [
      ["e", event.id, "spam"],
      ["p", bob.pubkey],
    ],
    content: "",
  });
  await place.nexus(["publish"], { input: [event, report].map((one) => JSON.stringify(one)).join("\n") });
  expect(await place.json("report", "list")).toMatchObject([{ id: event.id }]);
  await succeed("report", "ban", event.id, "spam");
  expect(await place.json("report", "list")).toEqual([]);
  expect(await place.json("ban")).toEqual([{ what: "event", subject: event.id, reason: "spam" }]);
});

test("changes are in the audit list, and stats has numbers", async () => {
  await succeed("role", "create", "agent", "--label", "Agent", "--order", "2");
  const [latest] = await place.json<object[]>("audit", "--limit", "1");
  expect(latest).toMatchObject({ pubkey: operator.pubkey, method: "createrole" });
  expect(await place.json("stats")).toMatchObject({ storage_full: false });
});

test("settings are listed, set and unset; the answer warns of what a change opens", async () => {
  const list = () => place.json<{ name: string; value: string; source: string }[]>("settings", "list", "--changed");
  const found = async (name: string) => (await list()).find((fact) => fact.name === name);
  expect(await found("MAX_LIMIT")).toBeUndefined();
  await succeed("settings", "set", "max_limit", "50");
  expect(await found("MAX_LIMIT")).toMatchObject({ value: "50", source: "stored" });
  expect(await place.json("settings", "get", "MAX_LIMIT")).toMatchObject({ value: "50", form: { max: 50_000 } });
  expect((await place.nexus(["settings", "list"])).stdout).toMatch(/Limits +│ +MAX_LIMIT +│ +50 +│ +stored/);
  const wrong = await place.nexus(["settings", "set", "MAX_LIMIT", "many"]);
  expect(wrong).toMatchObject({ code: 1, stdout: "" });
  expect(wrong.stderr).toContain('MAX_LIMIT must be a whole number of events from 1 to 50000, not "many".');
  expect(await place.nexus(["settings", "set", "MAX_LIMITS", "5"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("is MAX_LIMIT meant?"),
  });
  await succeed("settings", "unset", "MAX_LIMIT");
  expect(await found("MAX_LIMIT")).toBeUndefined();
  const opened = await place.nexus(["settings", "set", "AUTH_REQUIRED", "false"]);
  expect(opened.stdout).toContain("AUTH_REQUIRED is set.\nWho may read from now on: everybody, without a login.");
  expect(await place.json("settings", "unset", "AUTH_REQUIRED")).toMatchObject({
    warnings: [expect.any(String), expect.any(String)],
  });
});

test("R-05-79 settings list names a stored value that the start left out, and what to do", async () => {
  await place.server.kill("SIGTERM");
  storeSetting(place.server.dataDirectory, "MAX_LIMIT", "many");
  await place.server.restart();
  const { stdout } = await place.nexus(["settings", "list", "--changed"]);
  expect(stdout).toContain(
    'MAX_LIMIT does not count: MAX_LIMIT must be a whole number of events from 1 to 50000, not "many".',
  );
  expect(stdout).toContain("nexus settings unset MAX_LIMIT");
  await succeed("settings", "unset", "MAX_LIMIT");
  expect((await place.nexus(["settings", "list", "--changed"])).stdout).not.toContain("MAX_LIMIT");
});

/** A relay that records the calls of its management and answers what it is told. */
describe("over a relay that answers", () => {
  const calls: unknown[] = [];
  let results: Record<string, unknown>;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { method, params } = JSON.parse(body) as { method: string; params: unknown[] };
      calls.push([method, ...params]);
      const known = Object.hasOwn(results, method);
      response.end(JSON.stringify(known ? { result: results[method] } : { result: null, error: "no" }));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => void server.close());

  const member = { pubkey: alice.pubkey, roles: ["agent"], inviter: operator.pubkey, joined_at: 1_800_000_000 };
  const invite = { id: "1f", inviter: operator.pubkey, uses_left: 1, created_at: 1, expires_at: 2 };

  test.each<[string[], unknown[], unknown, unknown]>([
    [["member", "add", npub], ["addmember", alice.pubkey], true, { method: "addmember", result: true }],
    [["member", "list"], ["listmembers"], [member], [{ npub, ...member }]],
    [["member", "show", npub], ["listmembers"], [member], { npub, ...member }],
    [["role", "list"], ["listroles"], [{ id: "agent" }], [{ id: "agent" }]],
    [
      ["role", "assign", npub, "agent"],
      ["assignrole", alice.pubkey, "agent"],
      true,
      { method: "assignrole", result: true },
    ],
    [["invite", "list"], ["listinvites"], [invite], [invite]],
    [["invite", "revoke", "1f"], ["revokeinvite", "1f"], true, { method: "revokeinvite", result: true }],
  ])("%j calls %j", async (args, call, result, printed) => {
    results = { [String(call[0])]: result };
    calls.length = 0;
    expect(await place.json(...args, "--relay", url)).toEqual(printed);
    expect(calls).toEqual([call]);
  });

  test("R-05-88 what a key has is said before it is taken out, where the relay tells it", async () => {
    const before = { events: 5000, connections: 1, subscriptions: 2, invites: 0 };
    for (const [args, method] of [
      [["member", "remove", npub], "removemember"],
      [["ban", npub], "banpubkey"],
    ] as const) {
      results = { keysummary: before, [method]: true };
      calls.length = 0;
      expect(await place.json(...args, "--relay", url)).toEqual({ method, result: true, before });
      expect(calls.map((call) => (call as unknown[]).slice(0, 2))).toEqual([
        ["keysummary", alice.pubkey],
        [method, alice.pubkey],
      ]);
      const { code, stdout } = await place.nexus([...args, "--relay", url]);
      expect(code).toBe(0);
      expect(stdout).toContain(
        "has 5000 or more events stored here, 2 subscriptions open on 1 connection, and 0 invites out.",
      );
      results = { supportedmethods: [method], [method]: true };
      expect(await place.json(...args, "--relay", url)).toEqual({ method, result: true });
    }
  });

  test("a method that it does not list is told clearly", async () => {
    results = { supportedmethods: ["banpubkey"] };
    const { code, stdout, stderr } = await place.nexus(["member", "add", npub, "--relay", url]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      "error: the relay does not offer this key the method addmember (supportedmethods does not list it)\n",
    );
  });
});
