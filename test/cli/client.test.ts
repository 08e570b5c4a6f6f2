import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { nip19 } from "nostr-tools";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, unique } from "../support/keys.ts";
import { freePort } from "../support/server.ts";
import { hex, openPlace, operator, type Place } from "./command.ts";

let place: Place;

beforeAll(async () => {
  place = await openPlace();
});

afterAll(() => place.end());

test("the help has every command and an example, and a wrong call ends with 2", async () => {
  const help = await place.nexus(["--help"]);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  expect(help.stdout).toMatch(/start[\s\S]*publish[\s\S]*Examples:/);
  expect(await place.nexus(["bogus"])).toMatchObject({ code: 2, stdout: "" });
  expect(await place.nexus(["req", "--limit", "many"])).toMatchObject({ code: 2, stdout: "" });
  expect(await place.nexus(["req", "[]"])).toMatchObject({ code: 2, stdout: "" });
});

test("without a relay it says so, and ends with 1", async () => {
  const url = `ws://localhost:${await freePort()}`;
  const { code, stdout, stderr } = await place.nexus(["info", url, "--json"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: no relay answers at [^\n]*\n$/);
  expect(JSON.parse(stdout)).toEqual({ error: stderr.slice("error: ".length, -1) });
});

test("a new key is one, and its file is its owner's alone", async () => {
  const made = await place.json<{ npub: string; nsec: string; secret: string; pubkey: string }>("key", "new");
  expect(nip19.decode(made.npub).data).toBe(made.pubkey);
  expect(hex(nip19.decode(made.nsec).data as unknown as Uint8Array)).toBe(made.secret);

  const saved = await place.nexus(["key", "new", "--out", "fresh.key"]);
  expect(saved.code).toBe(0);
  expect(saved.stdout).not.toContain("nsec");
  expect(statSync(join(place.directory, "fresh.key")).mode & 0o777).toBe(0o600);
  expect(await place.nexus(["key", "new", "--out", "fresh.key"])).toMatchObject({ code: 1 });
});

test("a key is taken in every form", async () => {
  const key = { npub: nip19.npubEncode(alice.pubkey), pubkey: alice.pubkey };
  const forms = [key.npub, alice.pubkey, nip19.nprofileEncode({ pubkey: alice.pubkey, relays: ["wss://a.example"] })];
  for (const form of forms) expect(await place.json("key", "convert", form)).toEqual(key);
  const byNsec = await place.nexus(["key", "convert", nip19.nsecEncode(alice.secret), "--json"]);
  expect(JSON.parse(byNsec.stdout)).toEqual(key);
  expect(byNsec.stderr).toContain("warning");
  expect(await place.nexus(["key", "convert", `${key.npub}x`])).toMatchObject({ code: 2 });
  expect(await place.json("key", "convert", "--key-file", place.keyFile("alice.key", alice))).toEqual(key);
});

test("it logs in, publishes, finds and counts what it published", async () => {
  const [sent] = (await place.nexus(["publish", "-c", "hello", "-k", "1111", "-t", "t=greeting"])).stdout.split(" ");
  const event = await place.json<{ id: string }>("req", "-k", "1111", "-a", operator.pubkey, "-t", "t=greeting");
  expect(event).toMatchObject({ id: sent, content: "hello", tags: [["t", "greeting"]] });
  expect(await place.json("count", '{"kinds":[1111]}')).toEqual({ count: 1 });
});

test("events from stdin are published as they are, and what is refused ends with 1", async () => {
  const events = [unique(alice), { ...unique(alice), content: "forged" }];
  const input = events.map((event) => JSON.stringify(event)).join("\n");
  const { code, stdout } = await place.nexus(["publish", "--json"], { input });
  expect(code).toBe(1);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { accepted?: boolean });
  expect(lines.map(({ accepted }) => accepted)).toEqual([true, false]);
});

test("without a key it says what is missing", async () => {
  const without = { env: { NEXUS_KEY_FILE: "" } };
  const refused = await place.nexus(["req", "-k", "1"], without);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("auth-required");
  const unsigned = await place.nexus(["publish", "-c", "x"], without);
  expect(unsigned).toMatchObject({ code: 2, stdout: "" });
  expect(unsigned.stderr).toContain("--key-file");
});

test("a secret key that stands where something else belongs is not repeated", async () => {
  const [nsec, secret] = [nip19.nsecEncode(alice.secret), hex(alice.secret)];
  const bunker = `bunker://${alice.pubkey}?relay=wss://relay.example.com&secret=${secret}`;
  for (const args of [
    ["key", "convert", "--key-file", nsec],
    ["key", "convert", "--key-file", secret],
    ["key", "convert", "--key-file", bunker],
    ["key", "convert", "--key-file", `${nsec}x`],
    ["key", "convert", bunker],
    ["key", "convert", nsec, bunker],
    ["unban", "--event", nsec],
    ["info", bunker],
    ["req", nsec],
    [nsec],
  ]) {
    const { code, stdout, stderr } = await place.nexus([...args, "--json"]);
    expect(code, args.join(" ")).not.toBe(0);
    expect(stderr).toMatch(/^error: ./);
    for (const text of [nsec.slice(5, 20), secret]) expect(stdout + stderr).not.toContain(text);
  }
});

test("a name is looked up where it belongs (NIP-05)", async () => {
  const cert = join(place.directory, "cert.pem");
  const made = [
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=names",
  ];
  const files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", join(place.directory, "cert.key"), "-out", cert];
  execFileSync("openssl", ["req", ...made, ...files], { stdio: "ignore" });
  const names = createServer({ cert: readFileSync(cert), key: readFileSync(join(place.directory, "cert.key")) });
  names.on("request", (request, response) => {
    const isAsked = request.url === "/.well-known/nostr.json?name=ann";
    response.end(JSON.stringify({ names: isAsked ? { ann: alice.pubkey } : {} }));
  });
  await once(names.listen(0, "127.0.0.1"), "listening");
  const at = `127.0.0.1:${(names.address() as AddressInfo).port}`;
  const env = { NODE_EXTRA_CA_CERTS: cert };
  const event = unique(alice, { kind: 1113 });
  await place.nexus(["publish"], { input: JSON.stringify(event) });
  const found = await place.nexus(["req", "-k", "1113", "-a", `ann@${at}`, "--json"], { env });
  expect(JSON.parse(found.stdout)).toMatchObject({ id: event.id });
  const unknown = await place.nexus(["req", "-a", `bob@${at}`], { env });
  expect(unknown).toMatchObject({ code: 1, stderr: `error: ${at} knows no key of the name bob\n` });
  names.close();
});
