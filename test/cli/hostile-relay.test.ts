import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { KeySigner } from "../../cli/client/crypto.ts";
import { startProxy } from "../../cli/proxy/server.ts";
import { alice } from "../support/keys.ts";
import { hex, runNexus } from "./command.ts";

/** What colors a terminal, and gives its window another title. */
const ESCAPES = "\u001b[31mred\u001b]0;title\u0007";

/** What a terminal obeys, but for the end of a line. */
const OBEYED = /(?!\n)\p{Cc}/u;

const EVENT = {
  id: "1".repeat(64),
  pubkey: alice.pubkey,
  created_at: 1,
  kind: 1,
  tags: [],
  content: "",
  sig: "2".repeat(128),
};

/** How the relay answers, by the verb. */
let answers: Record<string, (first: string) => unknown[][]> = {};
const server = createServer((_, response) => response.end(JSON.stringify({ name: ESCAPES, [ESCAPES]: 1 })));
const sockets = new WebSocketServer({ server });
let url: string;

beforeAll(async () => {
  sockets.on("connection", (socket) => {
    const send = (messages: unknown[][] = []) => {
      for (const message of messages) socket.send(JSON.stringify(message));
    };
    send(answers.open?.(""));
    socket.on("message", (data) => {
      const [verb, first] = JSON.parse(String(data)) as [string, string | { id: string }];
      send(answers[verb]?.(typeof first === "string" ? first : first.id));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  for (const socket of sockets.clients) socket.terminate();
  server.close();
});

beforeEach(() => {
  answers = {
    open: () => [["AUTH", "challenge"]],
    AUTH: (id) => [["OK", id, true, ""]],
    EVENT: (id) => [["OK", id, true, ""]],
  };
});

function nexus(args: readonly string[], input = "") {
  const env = { ...process.env, NEXUS_RELAY: url, NEXUS_KEY: hex(alice.secret) };
  return runNexus(args, { cwd: process.cwd(), env }, input);
}

test("what a relay says is printed without what a terminal obeys", async () => {
  answers.EVENT = (id) => [["OK", id, true, ESCAPES]];
  answers.REQ = (id) => [["CLOSED", id, ESCAPES]];
  const commands = [
    ["info"],
    ["doctor", "--relay", url],
    ["publish", "-c", "hello"],
    ["invite", "accept", "code"],
    ["req"],
  ];
  const outcomes = await Promise.all(commands.map((command) => nexus(command)));
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0, 1]);
  for (const { stdout, stderr } of outcomes) {
    expect(stdout + stderr).toContain("red");
    expect(stdout + stderr).not.toMatch(OBEYED);
  }
});

test("what is no event and no count is not taken for one, and an event of any time is printed", async () => {
  const values = [null, { ...EVENT, tags: 1 }, { ...EVENT, created_at: 9e15 }];
  answers.REQ = (id) => [...values.map((value) => ["EVENT", id, value]), ["EOSE", id]];
  answers.COUNT = (id) => [["COUNT", id, { count: ESCAPES }]];
  answers.EVENT = (id) => [["OK", id, true]];
  const [req, count, publish] = await Promise.all([
    nexus(["req"]),
    nexus(["count"]),
    nexus(["publish", "-c", "hello"]),
  ]);
  expect(req?.code).toBe(0);
  expect(req?.stdout.trim().split("\n")).toEqual([expect.stringMatching(/^9000000000000000 {2}111111111111 /)]);
  expect(count).toMatchObject({ code: 1, stdout: "" });
  expect(publish?.stdout).toMatch(/accepted\n$/);
});

test("what is no event is not signed and published", async () => {
  const lines = ["null", "5", '"text"', "[]", "{"];
  for (const { code, stdout, stderr } of await Promise.all(lines.map((line) => nexus(["publish"], `${line}\n`)))) {
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining("line 1 is no event")]);
  }
});

test("a proxy outlives a relay that refuses its login at length", async () => {
  const refusal = "拒".repeat(200);
  answers.AUTH = (id) => [["OK", id, false, refusal]];
  const signer = new KeySigner(hex(alice.secret));
  const proxy = await startProxy({ place: { url, name: url }, signer, report() {}, origins: new Set(), port: 0 });
  const client = new WebSocket(`ws://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  const [code, reason] = (await once(client, "close")) as [number, Buffer];
  expect([code, String(reason)]).toEqual([1008, expect.stringMatching(/^the login is refused: 拒{30,}/)]);
  proxy.close();
});
