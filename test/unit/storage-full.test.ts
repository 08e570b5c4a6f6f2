import { expect, test } from "vitest";
import { parseConfig } from "../../src/relay/config/config.ts";
import { refuseEvent } from "../../src/relay/publish/policy.ts";
import { NO_LISTS, unsigned } from "../support/events.ts";
import { now } from "../support/keys.ts";

test("R-02-14 with full storage only what is not stored gets in", () => {
  const config = parseConfig({});
  const access = { config, lists: NO_LISTS };
  const refuse = (kind: number, isFull: boolean) =>
    refuseEvent(
      {
        event: unsigned({ kind, created_at: now(), tags: [["relay", "ALL_RELAYS"]] }),
        tags: [],
        now: now(),
        config,
        access,
        authed: new Set(),
        isFull,
        find: () => undefined,
      },
      () => undefined,
    );
  for (const kind of [0, 1, 4, 5, 1059, 5050, 30023, 65535]) {
    expect(refuse(kind, true)).toMatch(/^error: .*storage is full/);
    expect(refuse(kind, false)).toBe(undefined);
  }
  for (const kind of [62, 20001, 21059]) expect(refuse(kind, true)).toBe(undefined);
});
