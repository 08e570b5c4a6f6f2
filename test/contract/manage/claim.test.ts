import { expect, test } from "vitest";
import { alice, bob, carol } from "../../support/keys.ts";
import { authorization, HTTP_URL, headerOf, post, RPC } from "../../support/manage.ts";
import { DONE, managedRelay } from "../../support/managed.ts";

const TOKEN = "a-token-of-more-than-32-characters";
const OTHER = "another-token-of-more-than-32-characters";
const NOBODYS = { ADMIN_PUBKEYS: "", CLAIM_TOKEN: TOKEN };

const FORBIDDEN = { status: 403, result: null, error: expect.stringMatching(/^restricted: ./) };
const RESTRICTED = { status: 200, result: null, error: expect.stringMatching(/^restricted: ./) };

type Relay = ReturnType<typeof managedRelay>;

async function information({ fetch }: Relay): Promise<Record<string, unknown>> {
  return (await (await fetch("/", { headers: { Accept: "application/nostr+json" } })).json()) as Record<
    string,
    unknown
  >;
}

test("R-05-85 whoever has the token becomes the operator, also after a restart, and the record says so without it", async () => {
  const relay = managedRelay(NOBODYS);
  expect(await information(relay)).toMatchObject({ claimable: true });
  expect(await relay.as(alice)("claim", TOKEN)).toEqual(DONE);
  expect(await information(relay)).not.toHaveProperty("claimable");
  await relay.restart();
  const audit = await relay.as(alice)("listaudit");
  expect(audit.result).toEqual([expect.objectContaining({ pubkey: alice.pubkey, method: "claim", params: [] })]);
  const methods = (await relay.as(alice)("supportedmethods")).result as string[];
  expect(methods).toEqual(expect.arrayContaining(["grantadmin", "banpubkey"]));
  expect(methods).not.toContain("claim");
  expect(await relay.as(alice)("grantadmin", bob.pubkey)).toEqual(DONE);
  expect(await relay.as(bob)("banpubkey", alice.pubkey)).toEqual(RESTRICTED);
});

test("R-05-85 the token is good once: not for another key, not for the same, not after a restart", async () => {
  const relay = managedRelay(NOBODYS);
  await relay.as(alice)("claim", TOKEN);
  for (const by of [alice, bob]) expect(await relay.as(by)("claim", TOKEN)).toEqual(FORBIDDEN);
  await relay.restart({ ...NOBODYS, CLAIM_TOKEN: OTHER });
  for (const token of [TOKEN, OTHER]) expect(await relay.as(bob)("claim", token)).toEqual(FORBIDDEN);
});

test("R-05-85 of two claims at once one is carried out", async () => {
  const relay = managedRelay(NOBODYS);
  const claimants = [alice, bob, carol];
  const answers = await Promise.all(claimants.map((by) => relay.as(by)("claim", TOKEN)));
  expect(answers.filter(({ result }) => result === true)).toHaveLength(1);
  const winner = claimants[answers.findIndex(({ result }) => result === true)];
  expect((await relay.as(winner)("listadmins")).result).toEqual([
    { pubkey: winner?.pubkey, methods: expect.arrayContaining(["grantadmin"]) },
  ]);
});

test("R-05-85 a request that was used to claim is a replay", async () => {
  const relay = managedRelay(NOBODYS);
  const body = JSON.stringify({ method: "claim", params: [TOKEN] });
  const header = headerOf(authorization(alice, body));
  expect(await (await post(relay.fetch, body, { header })).json()).toEqual({ result: true });
  await relay.restart();
  expect(await (await post(relay.fetch, body, { header })).json()).toMatchObject({ result: null });
});

test("R-05-85 a wrong token changes nothing, and the right one is good after it", async () => {
  const relay = managedRelay(NOBODYS);
  for (const token of [OTHER, "", TOKEN.slice(1), 7, null]) {
    expect((await relay.as(bob)("claim", token)).error).toMatch(/^(restricted|invalid): ./);
  }
  expect(await relay.as(bob)("stats")).toEqual(FORBIDDEN);
  expect(await relay.as(alice)("claim", TOKEN)).toEqual(DONE);
});

test("R-05-85 R-05-71 a wrong token uses nothing up, not even its authorization", async () => {
  const relay = managedRelay(NOBODYS);
  const now = Math.floor(Date.now() / 1000);
  const body = JSON.stringify({ method: "claim", params: [OTHER] });
  const header = headerOf(authorization(bob, body));
  for (const later of [0, 3]) {
    relay.setTime(now + later);
    const response = await post(relay.fetch, body, { header });
    expect({ status: response.status, ...((await response.json()) as object) }).toEqual(RESTRICTED);
  }
});

test("R-05-85 R-08-08 claims that never end take no place of the right one, and none is larger than 1024 bytes", async () => {
  const relay = managedRelay(NOBODYS);
  const send = (by: typeof bob, text: string, body: BodyInit = text) => {
    const headers = {
      "Content-Type": RPC,
      "Content-Length": `${text.length}`,
      Authorization: headerOf(authorization(by, text)),
    };
    return relay.fetch(HTTP_URL, { method: "POST", body, headers });
  };
  const claim = JSON.stringify({ method: "claim", params: [TOKEN] });
  expect((await send(bob, claim.padEnd(1025))).status).toBe(413);
  const pending = Array.from({ length: 20 }, () => {
    const start = (controller: ReadableStreamDefaultController) => controller.enqueue(new TextEncoder().encode("{"));
    return send(bob, claim, new ReadableStream({ start }));
  });
  expect((await send(alice, claim.padEnd(1024))).status).toBe(200);
  expect((await Promise.all(pending)).map(({ status }) => status)).not.toContain(503);
});

test("R-05-85 the token is good for an hour from when it was first offered, whatever starts again", async () => {
  const relay = managedRelay(NOBODYS);
  const now = Math.floor(Date.now() / 1000);
  relay.setTime(now - 3600);
  expect(await information(relay)).toMatchObject({ claimable: true });
  relay.setTime(now);
  expect(await relay.as(alice)("claim", TOKEN)).toMatchObject({ status: 403 });
  await relay.restart();
  expect(await information(relay)).not.toHaveProperty("claimable");
  expect(await relay.as(alice)("claim", TOKEN)).toMatchObject({ status: 403 });
  await relay.restart({ ...NOBODYS, CLAIM_TOKEN: OTHER });
  expect(await relay.as(alice)("claim", TOKEN)).toEqual(RESTRICTED);
  expect(await relay.as(alice)("claim", OTHER)).toEqual(DONE);
});

test.each([{ ADMIN_PUBKEYS: carol.pubkey }, { ADMIN_PUBKEYS: "", RELAY_PUBKEY: carol.pubkey }])(
  "R-05-85 a relay with an operator in its configuration is not to be claimed: %o",
  async (settings) => {
    const relay = managedRelay({ ...settings, CLAIM_TOKEN: TOKEN });
    expect(await information(relay)).not.toHaveProperty("claimable");
    expect(await relay.as(alice)("claim", TOKEN)).toEqual(FORBIDDEN);
  },
);

test("R-05-85 an operator that the configuration gains voids an open claim, and removes who has claimed", async () => {
  const open = managedRelay(NOBODYS);
  await information(open);
  await open.restart({ ...NOBODYS, ADMIN_PUBKEYS: carol.pubkey });
  expect(await open.as(alice)("claim", TOKEN)).toEqual(FORBIDDEN);
  const claimed = managedRelay(NOBODYS);
  await claimed.as(alice)("claim", TOKEN);
  expect(await claimed.as(alice)("revokeadmin", alice.pubkey)).toEqual(RESTRICTED);
  await claimed.restart({ ...NOBODYS, ADMIN_PUBKEYS: carol.pubkey });
  expect(await claimed.as(carol)("revokeadmin", alice.pubkey)).toEqual(DONE);
  expect(await claimed.as(alice)("stats")).toEqual(FORBIDDEN);
  await claimed.restart(NOBODYS);
  expect(await claimed.as(alice)("claim", TOKEN)).toEqual(FORBIDDEN);
});

test("R-05-85 without a token there is nothing to claim", async () => {
  const relay = managedRelay({ ADMIN_PUBKEYS: "" });
  expect(await relay.as(alice)("claim", TOKEN)).toEqual(FORBIDDEN);
});
