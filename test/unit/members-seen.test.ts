import { expect, test } from "vitest";
import { Settings } from "../../src/relay/config/settings.ts";
import { Members } from "../../src/relay/members/members.ts";
import { AccessStore } from "../../src/store/access-store.ts";
import { migrate } from "../../src/store/schema.ts";
import { alice, bob } from "../support/keys.ts";
import { memorySql } from "../support/memory-sql.ts";

const DAY = 86_400;

test("R-05-87 that a member is here is one row a day, however often it comes; of others nothing is written", () => {
  const sql = memorySql();
  migrate(sql);
  const members = new Members({ config: new Settings({}).config, lists: new AccessStore(sql) }, { owe() {} });
  const written = () => Number(sql.all("SELECT total_changes()")[0]?.[0]);
  members.addMember(alice.pubkey, { by: bob.pubkey, at: 1000 });
  const before = written();
  for (let second = 0; second < DAY; second += 60) {
    members.noteSeen(alice.pubkey, 2000 + second);
    members.noteSeen(bob.pubkey, 2000 + second);
  }
  expect(written() - before).toBe(1);
  expect(members.joined(alice.pubkey)).toEqual({ by: bob.pubkey, at: 1000, seen: 2000 });
  members.noteSeen(alice.pubkey, 2000 + DAY);
  expect(written() - before).toBe(2);
  expect(members.joined(alice.pubkey)?.seen).toBe(2000 + DAY);
  // A clock that was wrong by years does not count for ever.
  members.noteSeen(alice.pubkey, 1500);
  expect(members.joined(alice.pubkey)?.seen).toBe(1500);
  members.removeMember(alice.pubkey);
  members.noteSeen(alice.pubkey, 2000 + 5 * DAY);
  expect(members.joined(alice.pubkey)).toBeUndefined();
});
