import {
  AuthStatus,
  defaultSocketPolicies,
  makeSocketPolicyAuth,
  Pool,
  PublishStatus,
  publishOne,
  requestOne,
  Socket,
} from "@welshman/net";
import type { Filter, TrustedEvent } from "@welshman/util";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { bytesToHex } from "nostr-tools/utils";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Key, now, signed, unique } from "../../support/keys.ts";
import { type Server, startServer } from "../../support/server.ts";

const LIST = 13534;
const JOIN = 28934;
const INVITE = 28935;
const LEAVE = 28936;

const [relayKey, operator, guest] = [freshKey(), freshKey(), freshKey()];

let server: Server;
const pools: Pool[] = [];

beforeAll(async () => {
  server = await startServer({
    RELAY_SECRET_KEY: bytesToHex(relayKey.secret),
    ADMIN_PUBKEYS: operator.pubkey,
    READ_ACCESS: "members",
    WRITE_ACCESS: "members",
  });
});

afterEach(() => {
  for (const pool of pools.splice(0)) pool.clear();
});

afterAll(() => server.stop());

function freshKey(): Key {
  const secret = generateSecretKey();
  return { secret, pubkey: getPublicKey(secret) };
}

/** A pool whose sockets log in by themselves, as those of Flotilla do. */
function poolOf(by: Key): Pool {
  const auth = makeSocketPolicyAuth({ sign: async (template) => finalizeEvent(template, by.secret) });
  const pool = new Pool({ makeSocket: (url) => new Socket(url, [...defaultSocketPolicies, auth]) });
  pools.push(pool);
  return pool;
}

const relay = () => `${server.url}/`;

function publish(pool: Pool, event: ReturnType<typeof unique>) {
  return publishOne({ relay: relay(), event, context: { pool }, timeout: 5000 });
}

function request(pool: Pool, filter: Filter): Promise<TrustedEvent[]> {
  return requestOne({ relay: relay(), filters: [filter], context: { pool }, autoClose: true });
}

/** What Flotilla does before it sends a join, which its sockets do not keep for after the login. */
async function login(pool: Pool, by: Key): Promise<void> {
  await pool.get(relay()).auth.attemptAuth(async (template) => finalizeEvent(template, by.secret));
  expect(pool.get(relay()).auth.status).toBe(AuthStatus.Ok);
}

/** As Flotilla makes them: without the mark of NIP-70. */
const joining = (claim: string) => signed(guest, { kind: JOIN, created_at: now(), tags: [["claim", claim]] });

function claimOf(event: TrustedEvent | undefined): string {
  return event?.tags.find(([name]) => name === "claim")?.[1] ?? "";
}

function membersIn(list: TrustedEvent | undefined): (string | undefined)[] {
  return (list?.tags ?? []).filter(([name]) => name === "member").map(([, pubkey]) => pubkey);
}

test("T-131 R-05-64 R-05-67 NIP-11 names the relay's key; a guest probes, is invited, joins, is listed and leaves", async () => {
  const information = await fetch(server.httpUrl, { headers: { Accept: "application/nostr+json" } });
  expect(await information.json()).toMatchObject({
    self: relayKey.pubkey,
    supported_nips: expect.arrayContaining([43, 70]),
  });
  const [host, pool] = [poolOf(operator), poolOf(guest)];
  await login(pool, guest);
  // Flotilla takes a refusal that speaks of an invite code for the question for one.
  expect(await publish(pool, joining(""))).toMatchObject({
    status: PublishStatus.Failure,
    detail: expect.stringContaining("invite code"),
  });
  const [invite] = await request(host, { kinds: [INVITE], authors: [relayKey.pubkey] });
  expect(invite?.pubkey).toBe(relayKey.pubkey);
  expect(await publish(pool, joining(claimOf(invite)))).toMatchObject({
    status: PublishStatus.Success,
    detail: expect.stringMatching(/^info: welcome to ws:/),
  });
  expect(await publish(pool, unique(guest))).toMatchObject({ status: PublishStatus.Success });
  const [list] = await request(pool, { kinds: [LIST], authors: [relayKey.pubkey] });
  expect(membersIn(list)).toEqual([guest.pubkey]);
  // All of it is still so when the server comes back.
  await server.restart();
  expect(membersIn((await request(poolOf(guest), { kinds: [LIST] }))[0])).toEqual([guest.pubkey]);
  const later = poolOf(guest);
  await login(later, guest);
  expect(await publish(later, joining(""))).toMatchObject({ status: PublishStatus.Success });
  const leave = signed(guest, { kind: LEAVE, tags: [["-"]] });
  expect(await publish(later, leave)).toMatchObject({ status: PublishStatus.Success });
  expect(await publish(later, unique(guest))).toMatchObject({
    status: PublishStatus.Failure,
    detail: expect.stringMatching(/^restricted: /),
  });
  expect(membersIn((await request(poolOf(operator), { kinds: [LIST] }))[0])).toEqual([]);
});
