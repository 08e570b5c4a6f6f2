import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { authorization, post } from "../support/manage.ts";
import { admin, type Case, headerOf, list, newKey, publish, sleep, soon, unless } from "./case.ts";

// Who may do what, and what that leaves behind.

const MANAGED = { ADMIN_PUBKEYS: admin.pubkey };
const PUBLIC = "wss://relay.example.com";

export const ACCESS: readonly Case[] = [
  {
    name: "allow-list-emptied-by-a-ban",
    rules: "R-05-58",
    variables: MANAGED,
    isClosed: true,
    async run(relay) {
      const [friend, moderator, stranger] = [newKey(), newKey(), newKey()];
      await relay.call("allowpubkey", friend.pubkey);
      await relay.call("grantadmin", moderator.pubkey, ["banpubkey"]);
      await relay.caller(moderator)("banpubkey", friend.pubkey);
      const client = await relay.login(stranger);
      const { end } = await client.req("x", { kinds: [1] });
      const [, , accepted] = await publish(client, stranger, {});
      return unless(end[0] === "CLOSED" && accepted === false, "the relay is open to every key");
    },
  },
  {
    name: "audit-flushed",
    rules: "R-05-73",
    variables: MANAGED,
    async run(relay) {
      const [moderator, victim] = [newKey(), newKey()];
      await relay.call("grantadmin", moderator.pubkey, ["banpubkey", "unbanevent"]);
      const call = relay.caller(moderator);
      await call("banpubkey", victim.pubkey, "spite");
      for (let i = 0; i < 40; i++) await Promise.all(list(15, () => call("unbanevent", "0".repeat(64))));
      const { result } = await relay.call("listaudit", null, 1000);
      const changes = result as { method: string; pubkey: string }[];
      const ban = changes.some(({ method, pubkey }) => method === "banpubkey" && pubkey === moderator.pubkey);
      return unless(ban && changes.length < 20, `of ${changes.length} changes the ban is ${ban ? "" : "not "}one`);
    },
  },
  {
    name: "signed-for-localhost",
    rules: "R-05-18 R-05-55 R-05-70",
    variables: { ...MANAGED, RELAY_URL: PUBLIC },
    isClosed: true,
    async run(relay) {
      const victim = newKey();
      const [, , loggedIn] = await (await relay.open()).auth(admin, relay.url);
      const body = JSON.stringify({ method: "changerelayname", params: ["taken"] });
      const header = headerOf(authorization(admin, body, relay.httpUrl));
      const { status } = await post((url, init) => fetch(url, init), body, { url: relay.httpUrl, header });
      const client = await relay.login(victim, PUBLIC);
      const { event } = await publish(client, victim, { content: "mine" });
      const other = await relay.login(newKey(), PUBLIC);
      await publish(other, victim, { kind: 62, tags: [["relay", relay.url]] });
      const left = await other.query({ ids: [event.id] });
      const isRight = loggedIn === false && status === 401 && left.length === 1;
      return unless(isRight, `login ${loggedIn}, management ${status}, ${left.length} of 1 events left`);
    },
  },
  {
    name: "full-until-a-ban",
    rules: "R-02-14 R-05-74",
    variables: { ...MANAGED, MAX_STORAGE: "2000000" },
    async run(relay) {
      const [bad, good] = [newKey(), newKey()];
      const client = await relay.login(bad);
      const fill = (i: number) => publish(client, bad, { content: "z".repeat(90_000) + i });
      for (let i = 0; (await fill(i))[2] === true; i++);
      await relay.call("banpubkey", bad.pubkey);
      const other = await relay.login(good);
      let i = 0;
      const takes = async () => (await publish(other, good, { content: `${i++}` }))[2] === true;
      return unless(await soon(10_000, takes), "full, although what filled it is gone");
    },
  },
  {
    name: "tombstones-outlive-a-ban",
    rules: "R-05-08",
    variables: MANAGED,
    async run(relay) {
      const bad = newKey();
      const client = await relay.login(bad);
      const bytes = async () => Number(((await relay.call("stats")).result as Record<string, unknown>).storage_bytes);
      const before = await bytes();
      for (let v = 0; v < 5; v++) {
        await publish(client, bad, { kind: 5, tags: list(2000, (i) => ["e", `${v}${i}`.padStart(64, "0")]) });
      }
      const grown = (await bytes()) - before;
      await relay.call("banpubkey", bad.pubkey);
      const isGone = await soon(10_000, async () => (await bytes()) - before < grown / 5);
      return unless(isGone, `${(await bytes()) - before} of ${grown} bytes stay`);
    },
  },
  {
    name: "text-left-on-the-disk",
    rules: "R-05-20",
    notOnWorkers: "secure_delete and VACUUM are not allowed there",
    async run(relay) {
      const [mark, victim] = [`MARK${crypto.randomUUID()}`, newKey()];
      const client = await relay.login(victim);
      for (let i = 0; i < 50; i++) await publish(client, victim, { content: `${mark} ${i}` });
      const isOnDisk = () => filesOf(relay.data).some((path) => readLatin(path).includes(mark));
      if (!isOnDisk()) return "could not be tried: the text is nowhere";
      await publish(client, victim, { kind: 62, tags: [["relay", "ALL_RELAYS"]] });
      client.close();
      return unless(await soon(30_000, () => !isOnDisk()), "the text is in the files after 30 s");
    },
  },
  {
    name: "data-for-its-owner-alone",
    rules: "R-06-37",
    async run(relay) {
      await sleep(100);
      const isOpen = (path: string) => (statSync(path).mode & 0o077) !== 0;
      const open = [relay.data, ...filesOf(relay.data)].filter(isOpen);
      // Nobody passes a directory that is closed.
      return unless(!isOpen(relay.data) || open.length === 0, `others may use ${open.join(", ")}`);
    },
  },
];

function filesOf(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

function readLatin(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
