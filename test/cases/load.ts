import { connect, type Socket } from "node:net";
import { frameBytes, OPCODE, RawSocket } from "../../bench/raw.ts";
import { bytesOf } from "../load/attacks/attack.ts";

import { authorization } from "../support/manage.ts";
import {
  admin,
  type Case,
  end,
  headerOf,
  idOf,
  list,
  newKey,
  now,
  publish,
  type Subject,
  signed,
  sleep,
  tagsOf,
  unless,
} from "./case.ts";

// One client that asks for much: the runner measures what another waits meanwhile.

const MANAGED = { ADMIN_PUBKEYS: admin.pubkey };
const FLOOD_MS = 1500;

/** Texts in which a phrase of one letter is looked for in vain at every place. */
const HOSTILE = `${"a ".repeat(63)}b `.repeat(780);
const PHRASE = Array(64).fill("a").join("-");

const SMALL_FRAMES: Readonly<Record<string, string | Uint8Array>> = {
  close: '["CLOSE","x"]',
  "neg-close": '["NEG-CLOSE","x"]',
  ping: '["PING"]',
  "bare-ping": "ping",
  "control-ping": frameBytes(OPCODE.ping),
  malformed: "x",
  "refused-req": '["REQ","x"]',
  "req-for-an-id": `["REQ","x",{"ids":["${idOf(0)}"]}]`,
  "no-event": '["EVENT",{"id":"x"}]',
};

export const LOAD: readonly Case[] = [
  ...Object.entries(SMALL_FRAMES).map(
    ([name, frame]): Case => ({ name: `flood-of-${name}`, rules: "R-01-23", run: (relay) => flood(relay, frame) }),
  ),
  {
    name: "deletion-of-heavy-events",
    rules: "R-05-10",
    async run(relay) {
      const by = newKey();
      const client = await relay.login(by);
      const ids: string[] = [];
      for (let v = 0; v < 40; v++) ids.push((await publish(client, by, { tags: tagsOf(v) })).event.id);
      await publish(client, by, { kind: 5, tags: ids.map((id) => ["e", id]) });
      return unless((await client.query({ ids })).length === 0, "deleted events are found");
    },
  },
  {
    name: "deletions-of-unknown-ids",
    rules: "R-05-06",
    async run(relay) {
      const by = newKey();
      const client = await relay.login(by);
      const send = (v: number) =>
        publish(client, by, { kind: 5, tags: list(2000, (i) => ["e", idOf(v * 10_000 + i)]) });
      const oks = await Promise.all(list(8, send));
      return unless(oks.filter(([, , isTaken]) => isTaken).length === 5, "the quota of 10,000 does not hold");
    },
  },
  {
    name: "versions-with-many-tags",
    rules: "R-04-03",
    async run(relay) {
      const by = newKey();
      const client = await relay.login(by);
      const send = (v: number) => publish(client, by, { kind: 10_002, created_at: now() - 100 + v, tags: tagsOf(v) });
      await Promise.all(list(40, send));
      return unless((await client.query({ authors: [by.pubkey] })).length === 1, "there is more than one version");
    },
  },
  {
    name: "search-for-a-phrase",
    rules: "R-05-39",
    async run(relay) {
      const by = newKey();
      const client = await relay.login(by);
      for (let i = 0; i < 40; i++) await publish(client, by, { content: HOSTILE + i });
      client.send(["REQ", "x", { search: PHRASE, limit: 10 }]);
      return unless((await end(client, "x"))[0] === "EOSE", "the search was refused");
    },
  },
  {
    name: "live-search-for-a-phrase",
    rules: "R-05-39",
    async run(relay) {
      const client = await relay.login();
      for (let i = 0; i < 5; i++) {
        client.send(["REQ", `${i}`, ...list(100, () => ({ kinds: [1], search: PHRASE, limit: 0 }))]);
        await end(client, `${i}`);
      }
      const ok = await publish(client, newKey(), { content: HOSTILE });
      return unless(ok[2] === true, `refused: ${ok[3]}`);
    },
  },
  {
    name: "combining-marks",
    rules: "R-05-39",
    async run(relay) {
      const by = newKey();
      const client = await relay.login(by);
      const content = `a${"\u0300".repeat(49_999)}${"\u0316".repeat(49_999)}`;
      await Promise.all(list(5, (i) => publish(client, by, { content: content + i })));
      client.send(["REQ", "x", { search: `a${"\u0300".repeat(100)}${"\u0316".repeat(100)}` }]);
      await end(client, "x");
      return undefined;
    },
  },
  {
    name: "one-value-many-times",
    rules: "R-03-26",
    maxMb: 40,
    notOnWorkers: "workerd collects garbage when it likes; what is kept is small on both hosts",
    async run(relay) {
      const client = await relay.login();
      const filter = `{"kinds":[${Array(256_000).fill(1).join()}],"limit":0}`;
      for (let i = 0; i < 60; i++) {
        client.send(`["REQ","s${i}",${filter}]`);
        const [verb, , text] = await end(client, `s${i}`);
        if (verb !== "EOSE") return `refused: ${text}`;
      }
      return undefined;
    },
  },
  {
    name: "bodies-that-never-end",
    rules: "R-08-08",
    variables: MANAGED,
    maxMb: 40,
    async run(relay) {
      const forged = { ...authorization(admin, "", relay.httpUrl), sig: "0".repeat(128) };
      const sockets = list(150, () => endless(relay, headerOf(forged)));
      await sleep(3000);
      const { status } = await fetch(relay.httpUrl, { headers: { Accept: "application/nostr+json" } });
      for (const socket of sockets) socket.destroy();
      return unless(status === 200, `NIP-11 gets ${status} meanwhile`);
    },
  },
];

/** Sends the same frame as fast as the relay reads; what it answers is thrown away. */
async function flood(relay: Subject, frame: string | Uint8Array): Promise<undefined> {
  for (const login of [false, true]) {
    const socket = await RawSocket.open(relay.url);
    if (login) await logIn(relay, socket);
    const many = Buffer.alloc(200 * bytesOf(frame).length, bytesOf(frame));
    for (const endsAt = Date.now() + FLOOD_MS; Date.now() < endsAt && socket.isOpen; ) {
      if (!socket.write(many)) await sleep(2);
      while (socket.tcp.writableNeedDrain && Date.now() < endsAt) await sleep(2);
    }
    socket.destroy();
  }
}

async function logIn(relay: Subject, socket: RawSocket): Promise<void> {
  const next = () => new Promise<unknown[]>((resolve) => (socket.onText = (text) => resolve(JSON.parse(String(text)))));
  const [, challenge] = await next();
  const tags = [
    ["relay", relay.url],
    ["challenge", String(challenge)],
  ];
  const answered = next();
  socket.send(JSON.stringify(["AUTH", signed(newKey(), { kind: 22_242, tags })]));
  await answered;
  socket.onText = () => {};
}

/** A POST whose body of a megabyte lacks its last bytes. */
function endless(relay: Subject, header: string): Socket {
  const { port } = new URL(relay.httpUrl);
  const socket = connect({ host: "127.0.0.1", port: Number(port) });
  socket.on("error", () => {});
  socket.write(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/nostr+json+rpc\r\nAuthorization: ${header}\r\nContent-Length: 1048576\r\n\r\n`,
  );
  socket.write("a".repeat(1_048_000));
  return socket;
}
