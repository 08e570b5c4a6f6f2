import { expect, test } from "vitest";
import { durableSql } from "../../../src/hosts/cloudflare/durable-sql.ts";
import { parseConfig } from "../../../src/relay/config/config.ts";
import { Management } from "../../../src/relay/manage/management.ts";
import type { Membership } from "../../../src/relay/manage/roles.ts";
import { AccessStore } from "../../../src/store/access-store.ts";
import { migrate } from "../../../src/store/schema.ts";
import { admin, alice, bob, carol, unique } from "../../support/keys.ts";
import { expectEose, inspectedRelay } from "../../support/stock.ts";
import { DONE, managedRelay } from "../../support/managed.ts";

const FORBIDDEN = { status: 403, result: null, error: expect.stringMatching(/^restricted: ./) };
const RESTRICTED = { status: 200, result: null, error: expect.stringMatching(/^restricted: ./) };

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
      all.filter((name) => name !== "grantadmin" && name !== "revokeadmin"),
    );
    for (const method of ["grantadmin", "revokeadmin"]) {
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
  expect(await call("revokeadmin", bob.pubkey)).toEqual(DONE);
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

const REFUSAL = "invalid: no such role";

/** The table by itself, over lists in a real store, with roles that are only noted down. */
async function withRoles(body: (management: Management, done: unknown[][], lists: AccessStore) => void): Promise<void> {
  await freshRelay().inside(({ storage }) => {
    const sql = durableSql(storage);
    migrate(sql);
    const lists = new AccessStore(sql);
    const done: unknown[][] = [];
    const note =
      (name: string) =>
      (...values: unknown[]) => {
        if (values.includes("none")) return REFUSAL;
        done.push([name, ...values]);
        return undefined;
      };
    const membership: Membership = {
      removeMember: () => false,
      createRole: note("createRole"),
      editRole: note("editRole"),
      deleteRole: note("deleteRole"),
      assignRole: note("assignRole"),
      unassignRole: note("unassignRole"),
    };
    const management = new Management({
      access: { config: parseConfig({ RELAY_PUBKEY: alice.pubkey, ALLOWED_KINDS: "1,7,30023" }), lists },
      changeLog: lists,
      clock: { nowSeconds: () => 1000 },
      storedOf: () => new Set(),
      authorOf: () => undefined,
      removeEvent() {},
      eraseSoon() {},
      closeBlocked() {},
      enforce: () => done.push(["enforced"]),
      statistics: () => ({}),
      membership,
    });
    body(management, done, lists);
  });
}

test("R-05-72 the methods of roles hand on what they are given", async () => {
  await withRoles((management, done) => {
    const call = (name: string, ...params: unknown[]) => management.call(alice.pubkey, name, params);
    const ok = { ok: true, value: true };
    expect(call("createrole", "mod", "Moderator", "keeps order", "#00ff00", 2)).toEqual(ok);
    expect(call("editrole", "mod", "", null)).toEqual(ok);
    expect(call("assignrole", bob.pubkey, "mod")).toEqual(ok);
    expect(call("unassignrole", bob.pubkey, "mod")).toEqual(ok);
    expect(call("deleterole", "mod")).toEqual(ok);
    expect(done.filter(([name]) => name !== "enforced")).toEqual([
      ["createRole", { id: "mod", label: "Moderator", description: "keeps order", color: "#00ff00", order: 2 }],
      ["editRole", { id: "mod", label: "", description: null, color: undefined, order: undefined }],
      ["assignRole", bob.pubkey, "mod"],
      ["unassignRole", bob.pubkey, "mod"],
      ["deleteRole", "mod"],
    ]);
    expect(call("deleterole", "none")).toEqual({ ok: false, reason: REFUSAL });
    for (const params of [[], [""], [1], ["x".repeat(65)]]) {
      expect(call("createrole", ...params)).toEqual({ ok: false, reason: expect.stringMatching(/^invalid: ./) });
    }
    for (const params of [[], ["mod", bob.pubkey], [bob.pubkey], [bob.pubkey, ""]]) {
      expect(call("assignrole", ...params)).toEqual({ ok: false, reason: expect.stringMatching(/^invalid: ./) });
    }
    expect(management.call(alice.pubkey, "supportedmethods", [])).toEqual({
      ok: true,
      value: expect.arrayContaining(["createrole", "editrole", "deleterole", "assignrole", "unassignrole"]),
    });
    expect(done.filter(([name]) => name === "enforced")).toHaveLength(5);
  });
});

test("R-05-72 listallowedkinds has the configured kinds, without those that are disallowed", async () => {
  await withRoles((management) => {
    const call = (name: string, ...params: unknown[]) => management.call(alice.pubkey, name, params);
    expect(call("listallowedkinds")).toEqual({ ok: true, value: [1, 7, 30023] });
    call("disallowkind", 7);
    call("allowkind", 3);
    expect(call("listallowedkinds")).toEqual({ ok: true, value: [1, 3, 30023] });
    call("allowkind", 7);
    expect(call("listallowedkinds")).toEqual({ ok: true, value: [1, 3, 7, 30023] });
  });
});

test("a change that cannot be recorded is not made", async () => {
  await withRoles((management, done, lists) => {
    const record = lists.record;
    lists.record = () => {
      throw new Error("disk full");
    };
    expect(() => management.call(alice.pubkey, "banpubkey", [bob.pubkey])).toThrow("disk full");
    lists.record = record;
    expect(lists.has("banned-pubkey", bob.pubkey)).toBe(false);
    expect(management.call(alice.pubkey, "listbannedpubkeys", [])).toEqual({ ok: true, value: [] });
    expect(done).toEqual([]);
  });
});

test("R-05-72 a full list takes no more, and says so", async () => {
  await withRoles((management, _done, lists) => {
    for (let n = 0; n < 20_000; n++) lists.put("banned-event", n.toString(16).padStart(64, "0"), "");
    const id = "f".repeat(64);
    expect(management.call(alice.pubkey, "banevent", [id])).toEqual({
      ok: false,
      reason: expect.stringMatching(/^error: .*full/),
    });
    expect(lists.has("banned-event", id)).toBe(false);
    const whole = management.call(alice.pubkey, "listbannedevents", []);
    expect(whole.ok && (whole.value as unknown[]).length).toBe(20_000);
  });
});
