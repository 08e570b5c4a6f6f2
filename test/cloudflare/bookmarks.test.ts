import { describe, expect, test } from "vitest";
import { bookmarkActions } from "../../src/hosts/cloudflare/bookmarks.ts";
import { admin } from "../support/keys.ts";
import { authorization, headerOf, post } from "../support/manage.ts";
import { managedRelay } from "../support/managed.ts";

describe("R-05-82 bookmarks", () => {
  test("are refused with what the platform says where it has none, as in local workerd", async () => {
    const { call } = managedRelay();
    for (const [method, ...params] of [["getbookmark"], ["getbookmark", 1_700_000_000], ["restorebookmark", "0000"]]) {
      const { status, error } = await call(method as string, ...params);
      expect([method, status, error]).toEqual([method, 200, expect.stringMatching(/^unsupported: the platform says/)]);
    }
    expect((await call("supportedmethods")).result).toEqual(expect.arrayContaining(["getbookmark", "restorebookmark"]));
    expect((await call("listaudit")).result).toEqual([]);
  });

  test("are shown and gone back to where the platform has them; then the object ends", async () => {
    const aborted = Promise.withResolvers<string>();
    const asked: unknown[] = [];
    const storage = {
      getCurrentBookmark: async () => "now",
      getBookmarkForTime: async (ms: number) => `at ${ms}`,
      onNextSessionRestoreBookmark: async (bookmark: string) => {
        asked.push(bookmark);
        return "undo";
      },
    };
    const state = { storage, abort: (reason: string) => aborted.resolve(reason) } as unknown as DurableObjectState;
    const { getbookmark, restorebookmark } = bookmarkActions(state);
    expect(await getbookmark?.run([])).toEqual({ ok: true, value: { bookmark: "now" } });
    expect(await getbookmark?.run([1700])).toEqual({ ok: true, value: { bookmark: "at 1700000" } });
    expect(await restorebookmark?.run(["then"])).toEqual({ ok: true, value: { undo: "undo" } });
    expect(await aborted.promise).toMatch(/bookmark/);
    expect(asked).toEqual(["then"]);
    for (const wrong of [["x"], [1.5]]) expect(await getbookmark?.run(wrong)).toMatchObject({ ok: false });
    for (const wrong of [[], [""], [7]]) expect(await restorebookmark?.run(wrong)).toMatchObject({ ok: false });
  });

  test("R-05-71 what authorizes to go back is good once, and what authorizes to look as often as it is asked", async () => {
    const { fetch } = managedRelay();
    const statuses = async (method: string, ...params: unknown[]) => {
      const body = JSON.stringify({ method, params });
      const header = headerOf(authorization(admin, body));
      return [(await post(fetch, body, { header })).status, (await post(fetch, body, { header })).status];
    };
    expect(await statuses("restorebookmark", "0000")).toEqual([200, 401]);
    expect(await statuses("getbookmark")).toEqual([200, 200]);
  });
});
