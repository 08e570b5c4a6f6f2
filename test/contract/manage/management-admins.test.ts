import { expect, test } from "vitest";
import { admin, alice, bob, carol, unique } from "../../support/keys.ts";
import { DONE, managedRelay, SAME } from "../../support/managed.ts";
import { expectEose } from "../../support/stock.ts";

const FORBIDDEN = { status: 403, result: null, error: expect.stringMatching(/^restricted: ./) };
const RESTRICTED = { status: 200, result: null, error: expect.stringMatching(/^restricted: ./) };

/** What no operator can grant. */
const OPERATORS_ONLY = [
  "grantadmin",
  "revokeadmin",
  "setsetting",
  "unsetsetting",
  "exportevents",
  "importevents",
  "exportstate",
  "importstate",
  "beginrestore",
  "endrestore",
  "rebuildjobs",
];

/** The same of one host. */
const OF_HOST = ["makebackup", "getbackup", "getbookmark", "restorebookmark"];

test("R-05-72 a granted key may call what was granted, and nothing else; also after a restart", async () => {
  const { call, as, restart } = managedRelay();
  const granted = ["banpubkey", "listbannedpubkeys"];
  expect(await as(alice)("banpubkey", carol.pubkey)).toEqual(FORBIDDEN);
  expect(await call("grantadmin", alice.pubkey, granted)).toEqual(DONE);
  await restart();
  expect(await as(alice)("banpubkey", carol.pubkey)).toEqual(DONE);
  expect((await as(alice)("supportedmethods")).result).toEqual(["supportedmethods", ...granted]);
  for (const method of ["unbanpubkey", "stats", "listaudit", "grantadmin", "revokeadmin", "changerelayname"]) {
    expect(await as(alice)(method, bob.pubkey)).toEqual(FORBIDDEN);
  }
  expect((await as(alice)("nosuchmethod")).error).toMatch(/^unsupported: ./);
  expect(await as(bob)("supportedmethods")).toEqual(FORBIDDEN);
});

test("R-05-72 a grant without methods is for all, but not for making admins", async () => {
  const { call, as } = managedRelay();
  const all = (await call("supportedmethods")).result as string[];
  for (const methods of [[], [[]], [""], [null]]) {
    await call("grantadmin", alice.pubkey, ...methods);
    expect((await as(alice)("supportedmethods")).result).toEqual(
      all.filter((name) => ![...OPERATORS_ONLY, ...OF_HOST].includes(name)),
    );
    for (const method of OPERATORS_ONLY) {
      expect(await as(alice)(method, bob.pubkey)).toEqual(FORBIDDEN);
      expect(await as(alice)(method, alice.pubkey)).toEqual(FORBIDDEN);
    }
    await call("revokeadmin", alice.pubkey);
    expect(await as(alice)("supportedmethods")).toEqual(FORBIDDEN);
  }
});

test("R-05-72 R-05-73 names that are all empty are a mistake: nothing is granted by them, and nothing revoked", async () => {
  const { call, as } = managedRelay();
  const mistake = { status: 200, result: null, error: expect.stringMatching(/^invalid: ./) };
  for (const names of [[""], ["", ""]]) expect(await call("grantadmin", alice.pubkey, names)).toEqual(mistake);
  expect(await as(alice)("supportedmethods")).toEqual(FORBIDDEN);
  expect(await call("grantadmin", alice.pubkey, ["", "stats"])).toEqual(DONE);
  expect(await call("revokeadmin", alice.pubkey, [""])).toEqual(mistake);
  expect((await as(alice)("supportedmethods")).result).toEqual(["supportedmethods", "stats"]);
});

test("R-05-72 grants add up, and are revoked one by one or all together", async () => {
  const { call, as } = managedRelay();
  const methodsOf = async (pubkey: string) => {
    const admins = (await call("listadmins")).result as { pubkey: string; methods: string[] }[];
    return admins.find((entry) => entry.pubkey === pubkey)?.methods;
  };
  await call("grantadmin", alice.pubkey, ["stats"]);
  await call("grantadmin", alice.pubkey, ["banevent", "stats"]);
  expect(await methodsOf(alice.pubkey)).toEqual(["stats", "banevent"]);
  await call("revokeadmin", alice.pubkey, ["stats", "allowkind"]);
  expect(await methodsOf(alice.pubkey)).toEqual(["banevent"]);
  await call("revokeadmin", alice.pubkey, ["banevent"]);
  expect(await methodsOf(alice.pubkey)).toBeUndefined();
  await call("grantadmin", alice.pubkey);
  await call("revokeadmin", alice.pubkey, ["stats"]);
  expect(await methodsOf(alice.pubkey)).toEqual(expect.arrayContaining(["banpubkey", "listaudit"]));
  expect(await methodsOf(alice.pubkey)).not.toContain("stats");
  expect(await as(alice)("stats")).toEqual(FORBIDDEN);
  expect(await call("revokeadmin", bob.pubkey)).toEqual(SAME);
  expect(await methodsOf(admin.pubkey)).toEqual(expect.arrayContaining(["grantadmin", "revokeadmin"]));
});

test("R-05-72 nobody bans, grants or revokes an operator", async () => {
  const { call, as } = managedRelay();
  await call("grantadmin", alice.pubkey);
  expect(await call("banpubkey", admin.pubkey)).toEqual(RESTRICTED);
  expect(await as(alice)("banpubkey", admin.pubkey)).toEqual(RESTRICTED);
  expect(await call("grantadmin", admin.pubkey, ["stats"])).toEqual(RESTRICTED);
  expect(await call("revokeadmin", admin.pubkey)).toEqual(RESTRICTED);
  expect((await call("stats")).status).toBe(200);
});

test("R-05-72 only an operator bans and unbans an admin, who may not manage while banned", async () => {
  const { call, as } = managedRelay();
  await call("grantadmin", alice.pubkey);
  await call("grantadmin", bob.pubkey);
  expect(await as(alice)("banpubkey", bob.pubkey)).toEqual(RESTRICTED);
  expect(await call("banpubkey", bob.pubkey)).toEqual(DONE);
  expect(await as(bob)("supportedmethods")).toEqual(FORBIDDEN);
  expect(await as(bob)("unbanpubkey", bob.pubkey)).toEqual(FORBIDDEN);
  expect(await as(alice)("unbanpubkey", bob.pubkey)).toEqual(RESTRICTED);
  expect(await as(alice)("allowpubkey", bob.pubkey)).toEqual(RESTRICTED);
  expect((await call("listbannedpubkeys")).result).toEqual([{ pubkey: bob.pubkey }]);
  expect(await call("unbanpubkey", bob.pubkey)).toEqual(DONE);
  expect((await as(bob)("supportedmethods")).status).toBe(200);
});

test("R-05-74 who is let in as an admin only is shut out when that is revoked", async () => {
  const { call, login } = managedRelay();
  await call("allowpubkey", carol.pubkey);
  await call("grantadmin", alice.pubkey, ["stats"]);
  const a = await login(alice);
  await expectEose(a, "live", { kinds: [1] });
  await call("revokeadmin", alice.pubkey);
  expect(await a.next()).toEqual(["CLOSED", "live", expect.stringMatching(/^restricted: ./)]);
  expect((await a.publish(unique(alice)))[3]).toMatch(/^restricted: ./);
});
