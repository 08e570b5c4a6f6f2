import { expect, test } from "vitest";
import { freshRelay } from "../support/hosts/workerd.ts";
import { admin, alice, bob, unique } from "../support/keys.ts";
import { authorization, HTTP_URL, headerOf, post } from "../support/manage.ts";

const DEFAULT = "wss://nexus.openagents.com";

test("R-05-55 without RELAY_URL clients log in under each name by which the relay is asked by TLS, also after an eviction", async () => {
  const relay = freshRelay();
  const a = await relay.connect();
  expect((await a.auth(alice, "wss://nexus.example.workers.dev"))[2]).toBe(false);
  for (const url of ["https://nexus.example.workers.dev/", "https://relay.example.org/", "http://forged.example/"]) {
    const response = await relay.fetch(url);
    // A body that nobody reads would keep the object.
    expect([response.status, (await response.text()).includes("Nostr")]).toEqual([200, true]);
  }
  expect((await a.auth(alice, "wss://relay.example.org/"))[2]).toBe(true);
  await relay.restart();
  expect((await a.auth(bob, "wss://nexus.example.workers.dev"))[2]).toBe(true);
  const b = await relay.connect();
  expect((await b.auth(bob, "wss://forged.example"))[2]).toBe(false);
  expect((await b.auth(bob, DEFAULT))[2]).toBe(true);
});

test("R-05-55 with RELAY_URL no other name counts", async () => {
  const relay = freshRelay({ RELAY_URL: "wss://relay.example.com" });
  await (await relay.fetch("https://relay.example.org/")).text();
  const a = await relay.connect();
  expect((await a.auth(alice, "wss://relay.example.org"))[2]).toBe(false);
  expect((await a.auth(alice, "wss://relay.example.com"))[2]).toBe(true);
});

test("R-05-18 R-05-70 the default of RELAY_URL is no name of a relay that has others, but for AUTH", async () => {
  const relay = freshRelay();
  const [a, b] = [await relay.connect(), await relay.connect()];
  await a.auth(alice);
  await b.auth(bob);
  await (await relay.fetch("https://relay.example.org/")).text();
  const request = (url: string) => unique(alice, { kind: 62, tags: [["relay", url]] });
  expect((await b.publish(request(DEFAULT)))[3]).toMatch(/^invalid: ./);
  expect((await b.publish(request("wss://relay.example.org")))[2]).toBe(true);
  const url = "https://relay.example.org/";
  const body = '{"method":"stats","params":[]}';
  const statusOf = async (signedUrl: string) => {
    const response = await post(relay.fetch, body, { header: headerOf(authorization(admin, body, signedUrl)), url });
    await response.text();
    return response.status;
  };
  expect([await statusOf(HTTP_URL), await statusOf(url)]).toEqual([401, 200]);
});
