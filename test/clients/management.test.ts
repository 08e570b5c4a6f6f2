import { execFileSync } from "node:child_process";
import { ManagementMethod, makeHttpAuth, sendManagementRequest } from "@welshman/util";
import { Relay, RelayManagement } from "applesauce-relay";
import { finalizeEvent } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import { alice, bob, carol, type Key, unique } from "../support/keys.ts";
import { authorization, caller, headerOf, post, RPC } from "../support/manage.ts";
import { openClient, ROOT, startServer } from "../support/server.ts";
import { serverWith } from "../support/server-with.ts";

async function information(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, { headers: { Accept: "application/nostr+json" } });
  return (await response.json()) as Record<string, unknown>;
}

describe("R-05-72 as nak calls: POST to the URL without slash, all params in their places, empty if not given", () => {
  const server = serverWith({ RELAY_PUBKEY: alice.pubkey, ADMIN_PUBKEYS: bob.pubkey });
  const call = (method: string, ...params: unknown[]) => caller(fetch, alice, server().httpUrl)(method, ...params);

  test("T-129 bans, lists, allows", async () => {
    expect(await call("banpubkey", carol.pubkey, "")).toEqual({ status: 200, result: true });
    expect((await call("listbannedpubkeys")).result).toEqual([{ pubkey: carol.pubkey }]);
    const client = await openClient(server().url);
    expect((await client.auth(carol, server().url))[2]).toBe(true);
    expect((await client.publish(unique(carol)))[3]).toMatch(/^blocked: ./);
    expect((await call("allowpubkey", carol.pubkey, "")).result).toBe(true);
    expect((await client.publish(unique(carol)))[2]).toBe(true);
    expect((await call("unallowpubkey", carol.pubkey)).result).toBe(true);
    client.close();
  });

  test("an address, a kind, an event", async () => {
    expect((await call("blockip", "192.0.2.1", "")).result).toBe(true);
    expect((await call("listblockedips")).result).toEqual([{ ip: "192.0.2.1" }]);
    expect((await call("unblockip", "192.0.2.1", "")).result).toBe(true);
    expect((await call("disallowkind", 4)).result).toBe(true);
    expect((await call("listdisallowedkinds")).result).toEqual([4]);
    expect((await call("allowkind", 4)).result).toBe(true);
    const { id } = unique(carol);
    expect((await call("banevent", id, "")).result).toBe(true);
    expect((await call("listbannedevents")).result).toEqual([{ id }]);
    expect((await call("allowevent", id, "")).result).toBe(true);
  });

  test("T-130 the name changes at once, and is kept through a restart of the server", async () => {
    expect((await call("changerelayname", "Renamed")).result).toBe(true);
    expect(await information(server().httpUrl)).toMatchObject({ name: "Renamed", pubkey: alice.pubkey });
    await server().restart();
    expect(await information(server().httpUrl)).toMatchObject({ name: "Renamed" });
    expect((await call("changerelayname", "")).result).toBe(true);
    expect(await information(server().httpUrl)).toMatchObject({ name: "Nexus" });
  });

  test("every alias of the relay may be named, and other operators may call", async () => {
    const { port, httpUrl } = server();
    for (const url of [`http://127.0.0.1:${port}`, `ws://localhost:${port}/`, `http://[::1]:${port}/`]) {
      const body = '{"method":"supportedmethods","params":[]}';
      const response = await post(fetch, body, { header: headerOf(authorization(bob, body, url)), url: httpUrl });
      expect(response.status).toBe(200);
    }
  });
});

describe("applesauce RelayManagement", () => {
  const server = serverWith({ ADMIN_PUBKEYS: alice.pubkey });
  const signer = (by: Key) => ({
    signEvent: (template: Parameters<typeof finalizeEvent>[0]) => finalizeEvent(template, by.secret),
  });
  const managementOf = (by: Key) => new RelayManagement(new Relay(server().url), signer(by));

  test("every call it has", async () => {
    const management = managementOf(alice);
    const { id } = unique(bob);
    expect(await management.supportedMethods()).toEqual(expect.arrayContaining(["banpubkey", "stats"]));
    expect(await management.banPubkey(carol.pubkey, "spam")).toBe(true);
    expect(await management.listBannedPubkeys()).toEqual([{ pubkey: carol.pubkey, reason: "spam" }]);
    expect(await management.allowPubkey(carol.pubkey)).toBe(true);
    expect(await management.listAllowedPubkeys()).toEqual([{ pubkey: carol.pubkey }]);
    expect(await management.listEventsNeedingModeration()).toEqual([]);
    expect(await management.banEvent(id, "rude")).toBe(true);
    expect(await management.listBannedEvents()).toEqual([{ id, reason: "rude" }]);
    expect(await management.allowEvent(id)).toBe(true);
    expect(await management.changeRelayName("Ours")).toBe(true);
    expect(await management.changeRelayDescription("For us")).toBe(true);
    expect(await management.changeRelayIcon("https://example.com/icon.png")).toBe(true);
    expect(await information(server().httpUrl)).toMatchObject({ name: "Ours", icon: "https://example.com/icon.png" });
    expect(await management.allowKind(1)).toBe(true);
    expect(await management.listAllowedKinds()).toEqual([1]);
    expect(await management.disallowKind(1)).toBe(true);
    expect(await management.blockIp("2001:db8::1", "scraper")).toBe(true);
    expect(await management.listBlockedIps()).toEqual([{ ip: "2001:db8::/64", reason: "scraper" }]);
    expect(await management.unblockIp("2001:db8::1")).toBe(true);
  });

  test("R-05-71 it lists, changes and lists again within a second, by hand and by its observables", async () => {
    const management = managementOf(alice);
    const seen: string[][] = [];
    const subscription = management.bannedPubkeys$.subscribe((list) => seen.push(list.map(({ pubkey }) => pubkey)));
    await expect.poll(() => seen.length).toBe(1);
    for (let round = 0; round < 3; round++) {
      expect(await management.banPubkey(bob.pubkey)).toBe(true);
      await expect.poll(() => seen.at(-1)).toContain(bob.pubkey);
      expect(await management.listBannedPubkeys()).toContainEqual({ pubkey: bob.pubkey });
      expect(await management.allowPubkey(bob.pubkey)).toBe(true);
      await expect.poll(() => seen.at(-1)).not.toContain(bob.pubkey);
    }
    subscription.unsubscribe();
    expect((await caller(fetch, alice, server().httpUrl)("unallowpubkey", bob.pubkey)).result).toBe(true);
  });

  test("README's example calls a method", () => {
    const run = (...params: string[]) => {
      const secret = Buffer.from(alice.secret).toString("hex");
      const options = { cwd: ROOT, encoding: "utf8", env: { ...process.env, ADMIN_SECRET: secret } } as const;
      return JSON.parse(execFileSync(process.execPath, ["examples/manage.mjs", server().httpUrl, ...params], options));
    };
    expect(run("disallowkind", "4")).toBe(true);
    expect(run("grantadmin", bob.pubkey, '["stats"]')).toBe(true);
    expect(run("listdisallowedkinds")).toContain(4);
    expect(run("revokeadmin", bob.pubkey)).toBe(true);
  });

  test("what is refused is told with the status or the relay's words", async () => {
    await expect(managementOf(bob).supportedMethods()).rejects.toMatchObject({ statusCode: 403 });
    await expect(managementOf(alice).banPubkey("nonsense")).rejects.toThrow(/invalid: /);
  });
});

test("R-05-72 as Flotilla calls: @welshman's requests, with its NIP-98 event", async () => {
  const server = await startServer({ ADMIN_PUBKEYS: alice.pubkey });
  try {
    const call = async (method: ManagementMethod, ...params: string[]) => {
      const request = { method, params };
      const template = await makeHttpAuth(server.httpUrl, "POST", JSON.stringify(request));
      return sendManagementRequest(server.httpUrl, request, finalizeEvent({ ...template }, alice.secret));
    };
    expect((await call(ManagementMethod.SupportedMethods)).result).toContain(ManagementMethod.BanPubkey);
    expect(await call(ManagementMethod.BanPubkey, carol.pubkey, "spam")).toEqual({ result: true });
    const listed = [{ pubkey: carol.pubkey, reason: "spam" }];
    expect(await call(ManagementMethod.ListBannedPubkeys)).toEqual({ result: listed });
    expect(await call(ManagementMethod.UnbanPubkey, carol.pubkey)).toEqual({ result: true });
    expect(await call(ManagementMethod.ListBannedPubkeys)).toEqual({ result: [] });
    expect((await call(ManagementMethod.BanPubkey, "nonsense")).error).toMatch(/^invalid: ./);
  } finally {
    await server.stop();
  }
});

describe("R-05-70 at a path, behind another name", () => {
  const server = serverWith({
    RELAY_URL: "wss://relay.example.com/nostr",
    ADMIN_PUBKEYS: alice.pubkey,
    RELAY_SECRET_KEY: Buffer.from(carol.secret).toString("hex"),
  });
  const body = '{"method":"supportedmethods","params":[]}';
  const statusOf = async (signedUrl: string) => {
    const header = headerOf(authorization(alice, body, signedUrl));
    return (await post(fetch, body, { header, url: `${server().httpUrl}/nostr` })).status;
  };

  test.each([
    ["https://relay.example.com/nostr", 200],
    ["https://relay.example.com/nostr/", 200],
    ["wss://relay.example.com/nostr", 200],
    ["https://relay.example.com/", 401],
    ["https://relay.example.com/other", 401],
    ["http://relay.example.com/nostr", 401],
  ])("T-128 %s: %i", async (url, status) => {
    expect(await statusOf(url)).toBe(status);
  });

  test("NIP-11 tells the relay's own key", async () => {
    expect(await information(`${server().httpUrl}/nostr`)).toMatchObject({ self: carol.pubkey });
  });

  test("R-08-08 nothing is managed elsewhere", async () => {
    const url = server().httpUrl;
    expect((await post(fetch, body, { header: headerOf(authorization(alice, body, url)), url })).status).toBe(404);
  });
});

describe("ENABLE_MANAGEMENT=false", () => {
  const server = serverWith({ ENABLE_MANAGEMENT: "false", ADMIN_PUBKEYS: alice.pubkey });

  test("R-08-08 a POST is not allowed, and NIP-11 does not speak of it", async () => {
    const { httpUrl } = server();
    const response = await fetch(httpUrl, { method: "POST", headers: { "Content-Type": RPC }, body: "{}" });
    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe("GET, HEAD, OPTIONS");
    const { supported_nips: nips } = await information(httpUrl);
    expect(nips).not.toContain(86);
    expect(nips).not.toContain(98);
  });
});

test("without an operator nobody may manage", async () => {
  const server = await startServer();
  try {
    expect((await caller(fetch, alice, server.httpUrl)("supportedmethods")).status).toBe(403);
  } finally {
    await server.stop();
  }
});
