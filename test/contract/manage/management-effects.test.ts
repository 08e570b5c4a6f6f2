import { expect, test } from "vitest";
import { alice, bob, unique } from "../../support/keys.ts";
import { DONE, managedRelay, publishOne, SAME, TWICE } from "../../support/managed.ts";

const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id).sort();
const id = (n: number) => n.toString(16).padStart(64, "0");

test("R-05-72 banevent hides it and blocks it, also from memory; unbanevent brings it back", async () => {
  const { call, login, restart } = managedRelay();
  const a = await login(alice);
  const [event, other] = [await publishOne(a), await publishOne(a)];
  for (const told of TWICE) {
    expect(await call("banevent", event.id, "rude")).toEqual({ ...told, hidden: 1 });
  }
  expect((await call("listbannedevents")).result).toEqual([{ id: event.id, reason: "rude" }]);
  expect(await a.query({})).toEqual([other]);
  expect((await a.publish(event))[3]).toMatch(/^blocked: ./);
  await restart();
  expect((await a.publish(event))[3]).toMatch(/^blocked: ./);
  expect(await call("unbanevent", event.id)).toEqual(DONE);
  expect((await call("listbannedevents")).result).toEqual([]);
  expect(idsOf(await a.query({}))).toEqual(idsOf([event, other]));
  expect(await a.publish(event)).toEqual(["OK", event.id, true, expect.stringMatching(/^duplicate: ./)]);
});

test("R-05-72 an event can be banned before it comes", async () => {
  const { call, login } = managedRelay();
  const event = unique(bob);
  await call("banevent", event.id);
  expect((await (await login(bob)).publish(event))[3]).toMatch(/^blocked: ./);
});

test("R-05-72 allowevent lifts the ban; unallowevent takes it off its list again", async () => {
  const { call, login } = managedRelay();
  const a = await login(alice);
  const event = await publishOne(a);
  await call("banevent", event.id);
  expect(await call("allowevent", event.id, "fine")).toEqual(DONE);
  expect((await call("listbannedevents")).result).toEqual([]);
  expect((await call("listallowedevents")).result).toEqual([{ id: event.id, reason: "fine" }]);
  expect((await a.publish(event))[2]).toBe(true);
  expect(await call("unallowevent", event.id)).toEqual(DONE);
  expect((await call("listallowedevents")).result).toEqual([]);
  await call("allowevent", event.id);
  await call("banevent", event.id);
  expect((await call("listallowedevents")).result).toEqual([]);
});

test("R-05-72 reported events wait for a moderator until one judges them or they are gone", async () => {
  const { call, login, restart } = managedRelay();
  const [a, b] = [await login(alice), await login(bob)];
  const events = [await publishOne(a), await publishOne(a), await publishOne(a), await publishOne(a)];
  const [first, second, third, unreported] = events;
  const report = (tags: string[][], content = "") => b.publish(unique(bob, { kind: 1984, tags, content }));
  await report(
    [
      ["p", alice.pubkey],
      ["e", first.id, "nudity"],
      ["e", second.id],
    ],
    `see ${"x".repeat(500)}`,
  );
  await report([["e", third.id, "spam"]], "");
  await report([["e", third.id, "other"], ["e", id(1), "spam"], ["e", "nonsense"], ["e"]]);
  await restart();
  const queue = async () => (await call("listeventsneedingmoderation")).result as { id: string; reason?: string }[];
  const waiting = new Map((await queue()).map((entry) => [entry.id, entry.reason]));
  expect([...waiting.keys()].sort()).toEqual(idsOf([first, second, third]));
  expect(waiting.get(first.id)).toMatch(/^nudity: see x{100,}$/);
  expect(waiting.get(first.id)?.length).toBeLessThanOrEqual(200);
  expect(waiting.get(third.id)).toBe("spam");
  expect(waiting.has(unreported.id)).toBe(false);
  await call("allowevent", first.id);
  await call("banevent", second.id);
  expect(idsOf(await queue())).toEqual([third.id]);
  await report([
    ["e", first.id, "nudity"],
    ["e", second.id, "nudity"],
  ]);
  expect(idsOf(await queue())).toEqual([third.id]);
  await a.publish(unique(alice, { kind: 5, tags: [["e", third.id]] }));
  expect(await queue()).toEqual([]);
});

test("R-05-29 R-05-72 a report does not tell a moderator whether there is a private event", async () => {
  const { as, call, login } = managedRelay();
  await call("grantadmin", bob.pubkey, ["listeventsneedingmoderation"]);
  const [a, b] = [await login(alice), await login(bob)];
  const open = await publishOne(a);
  const wrap = unique(alice, { kind: 1059, tags: [["p", alice.pubkey]] });
  expect((await a.publish(wrap))[2]).toBe(true);
  const tags = [wrap.id, id(1), open.id].map((one) => ["e", one, "spam"]);
  await b.publish(unique(bob, { kind: 1984, tags, content: "" }));
  const { result } = await as(bob)("listeventsneedingmoderation");
  expect(result).toEqual([{ id: open.id, reason: "spam" }]);
});

test("R-05-72 disallowkind and allowkind", async () => {
  const { call, login, restart } = managedRelay();
  const a = await login(alice);
  expect((await call("listallowedkinds")).result).toEqual([]);
  for (const told of TWICE) expect(await call("disallowkind", 7)).toEqual(told);
  expect(await call("disallowkind", 20001)).toEqual(DONE);
  await restart();
  expect((await call("listdisallowedkinds")).result).toEqual([7, 20001]);
  expect((await a.publish(unique(alice, { kind: 7 })))[3]).toMatch(/^blocked: ./);
  expect((await a.publish(unique(alice, { kind: 20001 })))[3]).toMatch(/^blocked: ./);
  expect((await a.publish(unique(alice)))[2]).toBe(true);
  expect(await call("allowkind", 7)).toEqual(DONE);
  expect((await call("listdisallowedkinds")).result).toEqual([20001]);
  expect((await call("listallowedkinds")).result).toEqual([7]);
  expect((await a.publish(unique(alice, { kind: 7 })))[2]).toBe(true);
});

test("R-05-72 blockip and unblockip: one entry for all spellings", async () => {
  const { call, restart } = managedRelay();
  expect(await call("blockip", "2001:DB8:0:0::1", "scraper")).toEqual(DONE);
  expect(await call("blockip", "2001:db8::1", "scraper")).toEqual(SAME);
  expect(await call("blockip", "::ffff:192.0.2.7", "")).toEqual(DONE);
  await restart();
  const listed = [{ ip: "192.0.2.7" }, { ip: "2001:db8::/64", reason: "scraper" }];
  expect((await call("listblockedips")).result).toEqual(listed);
  expect(await call("unblockip", "192.0.2.7", "")).toEqual(DONE);
  expect(await call("unblockip", "2001:db8::ffff")).toEqual(DONE);
  expect((await call("listblockedips")).result).toEqual([]);
});

test("T-130 changerelayname, -description, -icon: in NIP-11 and on the page at once, and after a restart", async () => {
  const { call, fetch, restart } = managedRelay();
  const information = async () => {
    const response = await fetch("/", {
      headers: { Accept: "application/nostr+json" },
    });
    return (await response.json()) as Record<string, unknown>;
  };
  expect(await information()).toMatchObject({ name: "Nexus" });
  expect(await call("changerelayname", "The <Agents> \u{1F600}")).toEqual(DONE);
  expect(await call("changerelaydescription", "Where they meet")).toEqual(DONE);
  expect(await call("changerelayicon", "https://example.com/icon.png")).toEqual(DONE);
  const changed = {
    name: "The <Agents> \u{1F600}",
    description: "Where they meet",
    icon: "https://example.com/icon.png",
  };
  expect(await information()).toMatchObject(changed);
  await restart();
  expect(await information()).toMatchObject(changed);
  const page = await (await fetch("/")).text();
  expect(page).toContain("The &#60;Agents&#62; \u{1F600}");
  expect(page).toContain("Where they meet");
  for (const method of ["changerelayname", "changerelaydescription", "changerelayicon"]) await call(method, "");
  const configured = await information();
  expect(configured).toMatchObject({ name: "Nexus" });
  expect(configured).not.toHaveProperty("description");
  expect(configured).not.toHaveProperty("icon");
});

test("NIP-11 restricted_writes says whether there is an allow list", async () => {
  const { call, fetch } = managedRelay();
  const restricted = async () => {
    const response = await fetch("/", {
      headers: { Accept: "application/nostr+json" },
    });
    return ((await response.json()) as { limitation: Record<string, unknown> }).limitation.restricted_writes;
  };
  expect(await restricted()).toBe(false);
  await call("allowpubkey", alice.pubkey);
  expect(await restricted()).toBe(true);
});
