import { expect, test } from "vitest";
import { alice, bob, unique } from "../../support/keys.ts";
import { codeFor, memberRelay } from "../../support/member-relay.ts";

test("R-05-88 keysummary counts what a key has here, but for private kinds, and changes nothing", async () => {
  const relay = memberRelay({ INVITE_ACCESS: "members", READ_ACCESS: "members" });
  const summary = () => relay.manage("keysummary", alice.pubkey);
  const nothing = { is_member: false, is_banned: false, events: 0, connections: 0, subscriptions: 0, invites: 0 };
  expect(await summary()).toEqual(nothing);
  await relay.manage("addmember", alice.pubkey);
  const [client, second, other] = [await relay.login(alice), await relay.login(alice), await relay.login(bob)];
  for (let i = 0; i < 3; i++) expect((await client.publish(unique(alice)))[2]).toBe(true);
  await client.publish(unique(alice, { kind: 1059, tags: [["p", bob.pubkey]] }));
  await other.publish(unique(bob));
  await client.req("one", { kinds: [1] });
  await second.req("two", { kinds: [1] });
  await codeFor(client);
  const all = { is_member: true, is_banned: false, events: 3, connections: 2, subscriptions: 2, invites: 1 };
  for (let twice = 0; twice < 2; twice++) expect(await summary()).toEqual(all);
  await relay.manage("removemember", alice.pubkey);
  // What it may not have any longer has ended with the membership.
  expect(await summary()).toEqual({ ...all, is_member: false, subscriptions: 0 });
  await relay.manage("banpubkey", alice.pubkey);
  expect(await summary()).toMatchObject({ is_banned: true, events: 3 });
  await expect(relay.manage("keysummary", "none")).rejects.toThrow(/^invalid: /);
});
