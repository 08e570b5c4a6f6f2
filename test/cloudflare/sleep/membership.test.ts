import { test } from "vitest";
import { announceChanges, guessCodes, leaveAndBan } from "../../support/member-sessions.ts";

// As in test/contract/members, with evictions in between.

test("R-05-64 guessing codes is limited for each connection, also through an eviction", () =>
  guessCodes((relay) => relay.restart()));

test("R-05-65 who leaves loses what members may read at once, on all connections; who is banned too", () =>
  leaveAndBan((relay) => relay.restart()));

test("R-05-66 after each change there is a newer list, and who came or went is told; all signed by the relay, with '-'", () =>
  announceChanges((relay) => relay.restart()));
