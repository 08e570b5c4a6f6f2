import { AuthStatus, type Pool, PublishStatus } from "@welshman/net";
import type { TrustedEvent } from "@welshman/util";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { bytesToHex } from "nostr-tools/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Key, now, signed, unique } from "../support/keys.ts";
import { type Server, startServer } from "../support/server.ts";
import { poolOf, publish, relayOf, request } from "./pool.ts";

const LIST = 13534;
const JOIN = 28934;
const INVITE = 28935;
const LEAVE = 28936;

const [relayKey, operator, guest] = [freshKey(), freshKey(), freshKey()];

let server: Server;

beforeAll(async () => {
  server = await startServer({
    RELAY_SECRET_KEY: bytesToHex(relayKey.secret),
    ADMIN_PUBKEYS: operator.pubkey,
    READ_ACCESS: "members",
    WRITE_ACCESS: "members",
  });
});

afterAll(() => server.stop());

function freshKey(): Key {
  const secret = generateSecretKey();
  return { secret, pubkey: getPublicKey(secret) };
}

/** What Flotilla does before it sends a join, which its sockets do not keep for after the login. */
async function login(pool: Pool, by: Key): Promise<void> {
  await pool.get(relayOf(server)).auth.attemptAuth(async (template) => finalizeEvent(template, by.secret));
  expect(pool.get(relayOf(server)).auth.status).toBe(AuthStatus.Ok);
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
  expect(await publish(pool, server, joining(""))).toMatchObject({
    status: PublishStatus.Failure,
    detail: expect.stringContaining("invite code"),
  });
  const [invite] = await request(host, server, { kinds: [INVITE], authors: [relayKey.pubkey] });
  expect(invite?.pubkey).toBe(relayKey.pubkey);
  expect(await publish(pool, server, joining(claimOf(invite)))).toMatchObject({
    status: PublishStatus.Success,
    detail: expect.stringMatching(/^info: welcome to ws:/),
  });
  expect(await publish(pool, server, unique(guest))).toMatchObject({ status: PublishStatus.Success });
  const [list] = await request(pool, server, { kinds: [LIST], authors: [relayKey.pubkey] });
  expect(membersIn(list)).toEqual([guest.pubkey]);
  // All of it is still so when the server comes back.
  await server.restart();
  expect(membersIn((await request(poolOf(guest), server, { kinds: [LIST] }))[0])).toEqual([guest.pubkey]);
  const later = poolOf(guest);
  await login(later, guest);
  expect(await publish(later, server, joining(""))).toMatchObject({ status: PublishStatus.Success });
  const leave = signed(guest, { kind: LEAVE, tags: [["-"]] });
  expect(await publish(later, server, leave)).toMatchObject({ status: PublishStatus.Success });
  expect(await publish(later, server, unique(guest))).toMatchObject({
    status: PublishStatus.Failure,
    detail: expect.stringMatching(/^restricted: /),
  });
  expect(membersIn((await request(poolOf(operator), server, { kinds: [LIST] }))[0])).toEqual([]);
});

test("R-06-06 cold: a guest joins with its first message, which welshman does not send again after the login", async () => {
  const newcomer = freshKey();
  const [invite] = await request(poolOf(operator), server, { kinds: [INVITE], authors: [relayKey.pubkey] });
  const join = signed(newcomer, { kind: JOIN, created_at: now(), tags: [["claim", claimOf(invite)]] });
  expect(await publish(poolOf(newcomer), server, join)).toMatchObject({
    status: PublishStatus.Success,
    detail: expect.stringMatching(/^info: welcome to ws:/),
  });
});
