import { expect, test } from "vitest";
import type { JobBoard } from "../../src/relay/board/job-board.ts";
import { Settings } from "../../src/relay/config/settings.ts";
import { Management } from "../../src/relay/manage/management.ts";
import type { ManagedMembership } from "../../src/relay/manage/roles.ts";
import type { AccessStore } from "../../src/store/access-store.ts";
import { alice, bob } from "../support/keys.ts";
import { memoryLists } from "../support/memory-store.ts";

const REFUSAL = "invalid: no such role";

/** The table by itself, over lists in a real store, with roles that are only noted down. */
function withRoles(body: (management: Management, done: unknown[][], lists: AccessStore) => void): void {
  const lists = memoryLists();
  const done: unknown[][] = [];
  const note =
    (name: string) =>
    (...values: unknown[]) => {
      if (values.includes("none")) return REFUSAL;
      done.push([name, ...values]);
      return undefined;
    };
  const membership: ManagedMembership = {
    members: {
      all: () => [],
      joined: () => undefined,
      addMember: note("addMember"),
      removeMember: () => false,
      roles: () => [],
      createRole: note("createRole"),
      editRole: note("editRole"),
      deleteRole: note("deleteRole"),
      assignRole: note("assignRole"),
      unassignRole: note("unassignRole"),
    },
    invites: { list: () => [], revoke: () => false, reload() {} },
  };
  const settings = new Settings({ RELAY_PUBKEY: alice.pubkey, ALLOWED_KINDS: "1,7,30023" });
  settings.attach(lists);
  const management = new Management({
    access: { config: settings.config, lists },
    settings,
    changeLog: lists,
    clock: { nowSeconds: () => 1000 },
    sha256: () => "",
    report() {},
    storedOf: () => new Set(),
    authorOf: () => undefined,
    storedBy: () => ({ stored: 0, shown: 0 }),
    connections: [],
    eraseAt() {},
    jobBoard: { jobs: () => ({}), job: () => ({}), providers: () => ({}), summary: () => [] } as unknown as JobBoard,
    rebuildJobs: () => done.push(["rebuildJobs"]) === 1,
    closeBlocked() {},
    enforce: () => done.push(["enforced"]),
    statistics: () => ({}),
    metrics: () => ({}),
    membership,
  });
  body(management, done, lists);
}

test("R-05-73 R-07-21 the ledger is rebuilt once at a time, and what was refused is not recorded", () => {
  withRoles((management, _done, lists) => {
    const call = () => management.call(alice.pubkey, "rebuildjobs", []);
    expect(call()).toEqual({ ok: true, value: true });
    expect(call()).toEqual({ ok: false, reason: expect.stringMatching(/^rate-limited: ./) });
    expect(lists.changes(1e9, 10).map(({ method }) => method)).toEqual(["rebuildjobs"]);
  });
});

test("R-05-72 the methods of roles hand on what they are given", () => {
  withRoles((management, done) => {
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
      ["assignRole", bob.pubkey, "mod", { by: alice.pubkey, at: 1000 }],
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

test("R-05-72 listallowedkinds has the configured kinds, without those that are disallowed", () => {
  withRoles((management) => {
    const call = (name: string, ...params: unknown[]) => management.call(alice.pubkey, name, params);
    expect(call("listallowedkinds")).toEqual({ ok: true, value: [1, 7, 30023] });
    call("disallowkind", 7);
    call("allowkind", 3);
    expect(call("listallowedkinds")).toEqual({ ok: true, value: [1, 3, 30023] });
    call("allowkind", 7);
    expect(call("listallowedkinds")).toEqual({ ok: true, value: [1, 3, 7, 30023] });
  });
});

test("a change that cannot be recorded is not made", () => {
  withRoles((management, done, lists) => {
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

test("R-05-72 a full list takes no more, and says so", () => {
  withRoles((management, _done, lists) => {
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
