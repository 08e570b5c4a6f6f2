import { spawnSync } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { nip19 } from "nostr-tools";
import { expect, test } from "vitest";
import { rowsFor } from "../../cli/output.ts";
import { alice } from "../support/keys.ts";
import { NEXUS } from "./command.ts";

const rows = [{ npub: "npub1", inviter: alice.pubkey, roles: [], joined_at: 0 }];
const columns = ["npub", "inviter", "roles", "joined_at"];

test("rows that are wider than the screen are paragraphs, with whole keys as npub", () => {
  const inviter = nip19.npubEncode(alice.pubkey);
  const paragraph = `npub       npub1\ninviter    ${inviter}\njoined at  1970-01-01 00:00:00Z`;
  expect(rowsFor(80, [...rows, ...rows], columns)).toBe(`${paragraph}\n\n${paragraph}`);
  for (const width of [0, 200]) expect(rowsFor(width, rows, columns)).toMatch(new RegExp(`^┌.*\n.*\n.*\n.*${inviter}`));
});

test.skipIf(!existsSync("/dev/full"))("output that cannot be written is told, and ends with 1", () => {
  const stdio = ["ignore", openSync("/dev/full", "w"), "pipe"] as const;
  const { status, stderr } = spawnSync(process.execPath, [NEXUS, "completion", "bash"], { stdio: [...stdio] });
  expect([status, String(stderr)]).toEqual([1, "The output cannot be written: ENOSPC.\n"]);
});
