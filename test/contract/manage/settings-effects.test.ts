import { expect, test, vi } from "vitest";
import { VARIABLES } from "../../../src/relay/config/config.ts";
import type { Client } from "../../support/client.ts";
import { alice, bob, type Key, key, now, signed, unique } from "../../support/keys.ts";
import { managedRelay } from "../../support/managed.ts";
import { storedEvents, verdict } from "../../support/stock.ts";

/** A relay, and a connection of alice that was open before anything changed. */
interface Place extends ReturnType<typeof managedRelay> {
  a: Client;
}

/** The value that is set; what is seen then, and not before; how it is seen. */
type Effect = [value: string | number | boolean, then: unknown, see: (place: Place) => Promise<unknown>];

const EMPTY = "6100000200";

const inNip11 =
  (...path: string[]) =>
  async ({ fetch }: Place) => {
    const response = await fetch("/", { headers: { Accept: "application/nostr+json" } });
    let found = (await response.json()) as Record<string, unknown> | undefined;
    for (const name of path) found = found?.[name] as Record<string, unknown> | undefined;
    return found;
  };

/** What becomes of the last of some events of alice. */
const publishing =
  (templates: readonly Parameters<typeof unique>[1][]) =>
  async ({ a }: Place) => {
    let last: unknown;
    for (const template of templates) last = verdict(await a.publish(unique(alice, template)));
    return last;
  };

/** The verb and the prefix of the last of some answers on alice's connection. */
const asking =
  (...messages: unknown[]) =>
  async ({ a }: Place) => {
    let last: unknown;
    for (const message of messages) {
      a.send(message);
      const [verb, , said, text] = (await a.settled()).at(-1) ?? [];
      last = [verb, String(verb === "OK" ? text : said).split(":")[0]];
    }
    return last;
  };

/** How many events of this filter there are, which alice published that many seconds ago. */
const finding =
  (filter: { kinds: [number]; limit?: number }, ...ages: number[]) =>
  async ({ a }: Place) => {
    const tags =
      filter.kinds[0] === 6050
        ? [
            ["e", "1".repeat(64)],
            ["p", bob.pubkey],
            ["request", "{}"],
          ]
        : [];
    // However long it takes, they are of seconds of their own.
    const at = now();
    for (const age of ages) await a.publish(unique(alice, { kind: filter.kinds[0], created_at: at - age, tags }));
    return (await a.query(filter)).length;
  };

const statuses =
  (count: number) =>
  async ({ upgrade }: Place) => {
    const all: number[] = [];
    for (let n = 0; n < count; n++) all.push((await upgrade({ from: "203.0.113.5" })).status);
    return all.at(-1);
  };

const login = async ({ connect }: Place, url?: string, age = 0) => {
  const client = await connect();
  const tags = [
    ["relay", url ?? "wss://nexus.openagents.com"],
    ["challenge", client.challenge],
  ];
  return verdict(await client.ask(["AUTH", signed(bob, { kind: 22242, created_at: now() - age, tags })]));
};

/** Connections without a login that were open before anything changed. */
const strangers = new WeakMap<Place, Client>();

/** A key that nobody has used. */
const fresh = () => key(1000 + Math.floor(Math.random() * 1e6));

/** What a key gets that asks for an invite code: how often and how long it is good. */
const invite = async ({ call, login }: Place, who: Key) => {
  const client = await login(who);
  const events = await client.query({ kinds: [28935] });
  const all = (await call("listinvites")).result as (Record<string, number> & { inviter: string })[];
  const own = all.find(({ inviter }) => inviter === who.pubkey);
  return { isGiven: events.length > 0, uses: own?.uses_left, ttl: Number(own?.expires_at) - Number(own?.created_at) };
};

const inviteOfAdmin = async (place: Place) => {
  const by = fresh();
  await place.call("grantadmin", by.pubkey);
  return invite(place, by);
};

const limited = ["CLOSED", "rate-limited"];
const three = (message: unknown) => [message, message, message];

const EFFECTS: Record<string, Effect> = {
  RELAY_NAME: ["Orchard", "Orchard", inNip11("name")],
  RELAY_DESCRIPTION: ["about", "about", inNip11("description")],
  RELAY_CONTACT: ["mailto:a@b.example", "mailto:a@b.example", inNip11("contact")],
  RELAY_ICON: ["https://a.example/i", "https://a.example/i", inNip11("icon")],
  RELAY_BANNER: ["https://a.example/b", "https://a.example/b", inNip11("banner")],
  RELAY_TERMS_OF_SERVICE: ["https://a.example/t", "https://a.example/t", inNip11("terms_of_service")],
  SUPPORTED_NIPS: ["1,11", [1, 11], inNip11("supported_nips")],
  RELAY_URL_MATCH: ["exact", [false, "auth-required"], (place) => login(place, "wss://nexus.openagents.com/")],
  AUTH_REQUIRED: [
    false,
    "EOSE",
    async (place) => {
      const stranger = strangers.get(place) ?? (await place.connect());
      strangers.set(place, stranger);
      return (await stranger.req("r", { kinds: [1] })).end[0];
    },
  ],
  AUTH_TOLERANCE: [10, [false, "auth-required"], (place) => login(place, undefined, 60)],
  READ_ACCESS: ["allowed", ["CLOSED", "restricted"], asking(["REQ", "r", {}])],
  WRITE_ACCESS: ["allowed", [false, "restricted"], publishing([{}])],
  INVITE_ACCESS: [
    "members",
    true,
    async (place) => {
      await place.call("addmember", bob.pubkey);
      return (await invite(place, bob)).isGiven;
    },
  ],
  INVITE_USES: [7, 7, async (place) => (await inviteOfAdmin(place)).uses],
  INVITE_TTL: [60, 60, async (place) => (await inviteOfAdmin(place)).ttl],
  MAX_MEMBERS: [
    1,
    "restricted",
    async ({ call }) => {
      await call("addmember", key(21).pubkey);
      const { error = "" } = await call("addmember", key(22).pubkey);
      await call("removemember", key(22).pubkey);
      return error.split(":")[0];
    },
  ],
  ALLOWED_KINDS: ["7", [false, "blocked"], publishing([{}])],
  PRIVATE_KINDS: [
    "1",
    0,
    async ({ a, login }) => {
      const event = unique(alice);
      await a.publish(event);
      return (await (await login(bob)).query({ ids: [event.id] })).length;
    },
  ],
  MIN_POW: [30, [false, "pow"], publishing([{}])],
  MAX_EVENT_TAGS: [1, [false, "invalid"], publishing([{ tags: [["a"], ["b"]] }])],
  MAX_CONTENT_LENGTH: [3, [false, "invalid"], publishing([{}])],
  DVM_VALIDATION: ["strict", [false, "invalid"], publishing([{ kind: 5050, tags: [["param", "x", "y"]] }])],
  CREATED_AT_UPPER_LIMIT: [10, [false, "invalid"], publishing([{ created_at: now() + 500 }])],
  CREATED_AT_LOWER_LIMIT: [10, [false, "invalid"], publishing([{ created_at: now() - 500 }])],
  MAX_MESSAGE_LENGTH: [1024, [false, "invalid"], publishing([{ content: "x".repeat(2000) }])],
  MAX_SUBSCRIPTIONS: [
    1,
    limited,
    (place) => asking(["REQ", crypto.randomUUID(), {}], ["REQ", crypto.randomUUID(), {}])(place),
  ],
  MAX_FILTERS: [1, ["CLOSED", "invalid"], asking(["REQ", "r", {}, {}])],
  MAX_LIMIT: [1, 1, finding({ kinds: [1], limit: 2 }, 1, 2, 3)],
  // Events of one second come together.
  DEFAULT_LIMIT: [1, true, async (place) => (await finding({ kinds: [1] }, 1, 2, 3)(place)) < 3],
  MAX_COUNT: [
    1,
    true,
    async ({ a }) => {
      for (let n = 0; n < 3; n++) await a.publish(unique(alice, { tags: [["t", "x"]] }));
      return ((await a.ask(["COUNT", "c", { "#t": ["x"] }]))[2] as { approximate?: boolean }).approximate;
    },
  ],
  NEG_TIMEOUT: [
    1,
    ["NEG-ERR", "n"],
    async ({ a, call }) => {
      // The default would take a minute.
      if (((await call("getsetting", "NEG_TIMEOUT")).result as { value: string }).value !== "1") return undefined;
      await a.ask(["NEG-OPEN", "n", { kinds: [9] }, EMPTY]);
      return (await a.next()).slice(0, 2);
    },
  ],
  MAX_NEG_RECORDS: [
    1,
    ["NEG-ERR", "blocked"],
    async (place) => {
      for (let n = 0; n < 2; n++) await place.a.publish(unique(alice));
      return asking(["NEG-OPEN", "n", { kinds: [1] }, EMPTY])(place);
    },
  ],
  NEG_FRAME_LIMIT: [
    4096,
    true,
    async ({ a }) => {
      for (let n = 0; n < 150; n++) a.send(["EVENT", unique(alice, { created_at: now() - n })]);
      await a.settled();
      return String((await a.ask(["NEG-OPEN", "n", { kinds: [1] }, EMPTY]))[2]).length <= 2 * 4096;
    },
  ],
  LIMIT_EVENT: ["key:1/1", [false, "rate-limited"], publishing([{}, {}, {}])],
  LIMIT_REQ: ["key:1/1", limited, asking(...three(["REQ", "r", { limit: 0 }]))],
  LIMIT_COUNT: ["key:1/1", limited, asking(...three(["COUNT", "c", {}]))],
  LIMIT_SYNC: ["key:1/1", ["NEG-ERR", "rate-limited"], asking(...three(["NEG-OPEN", "n", { kinds: [9] }, EMPTY]))],
  LIMIT_AUTH: ["connection:1/1", ["OK", "rate-limited"], asking(...three(["AUTH", signed(bob, { kind: 22242 })]))],
  LIMIT_CONNECT: ["remote-ip:1/1", 429, statuses(3)],
  LIMIT_BYTES: ["key:1/100", [false, "rate-limited"], publishing([{}, {}])],
  ABUSE_CUTOFF: [
    1,
    1008,
    async ({ login, call }) => {
      const client = await login(bob);
      for (let n = 0; n < 5; n++) client.send(["NEG-OPEN", "n", { kinds: [9] }, EMPTY]);
      await call("stats");
      for (let n = 0; n < 5 && client.closed === undefined; n++) await client.settled().catch(() => []);
      return client.closed?.code;
    },
  ],
  MAX_CONNECTIONS: [1, 503, statuses(1)],
  MAX_CONNECTIONS_PER_IP: [1, 429, statuses(2)],
  AUTH_TIMEOUT: [
    1,
    true,
    async (place) => {
      const at = now();
      place.setTime(at);
      const stranger = await place.connect();
      place.setTime(at + 10);
      await place.ring();
      await stranger.until(([verb]) => verb === "NOTICE", 300).catch(() => {});
      await stranger.next(300).catch(() => {});
      place.setTime(at);
      return stranger.closed !== undefined;
    },
  ],
  AUTH_GRACE_MS: [
    10_000,
    "EOSE",
    async ({ connect }) => {
      const client = await connect();
      client.send(["REQ", "r", { kinds: [1] }]);
      client.send(["AUTH", client.authEvent(bob)]);
      return (await client.until(([, id]) => id === "r"))[0];
    },
  ],
  RETENTION_JOB: [60, 0, finding({ kinds: [5050] }, 100)],
  RETENTION_RESULT: [60, 0, finding({ kinds: [6050] }, 100)],
  RETENTION: ["1:60", 0, finding({ kinds: [1] }, 100)],
  BAN_ERASE_AFTER: [
    0,
    0,
    async (place) => {
      const by = fresh();
      const client = await place.login(by);
      const before = await storedEvents(place);
      await client.publish(unique(by));
      await place.call("banpubkey", by.pubkey);
      await place.ring();
      return (await storedEvents(place)) - before;
    },
  ],
  MAX_STORAGE: [
    1_000_000,
    [false, "error"],
    async ({ a }) => {
      let last: unknown;
      for (let n = 0; n < 14; n++) {
        last = verdict(await a.publish(unique(alice, { content: `${crypto.randomUUID()}${"x".repeat(90_000)}` })));
      }
      return last;
    },
  ],
  ENABLE_JOB_HINT: [
    false,
    "",
    async ({ a }) => (await a.publish(unique(alice, { kind: 5050, tags: [["i", "x", "text"]] })))[3],
  ],
  ENABLE_COUNT: [false, ["CLOSED", "unsupported"], asking(["COUNT", "c", {}])],
  ENABLE_HLL: [
    false,
    undefined,
    async ({ a }) => ((await a.ask(["COUNT", "c", { "#t": ["x"], kinds: [1] }]))[2] as { hll?: string }).hll,
  ],
  ENABLE_SEARCH: [false, ["CLOSED", "unsupported"], asking(["REQ", "r", { search: "x" }])],
  ENABLE_EOSE_HINT: [false, 2, async ({ a }) => (await a.req("r", { kinds: [1] })).end.length],
  ENABLE_AND_FILTERS: [
    true,
    ["EOSE", ""],
    async (place) => {
      const [verb, text] = (await asking(["REQ", "r", { "&t": ["x"] }])(place)) as string[];
      return [verb, verb === "EOSE" ? "" : text];
    },
  ],
  ENABLE_NEGENTROPY: [false, ["NEG-ERR", "error"], asking(["NEG-OPEN", "n", {}, EMPTY])],
  ENABLE_MEMBERSHIP: [
    false,
    false,
    async ({ call }) => ((await call("supportedmethods")).result as string[]).includes("addmember"),
  ],
  LOG_LEVEL: [
    "info",
    true,
    async ({ call }) => {
      const spies = (["log", "error"] as const).map((name) => vi.spyOn(console, name).mockImplementation(() => {}));
      await call("changerelayname", crypto.randomUUID());
      const lines = spies.flatMap((spy) => spy.mock.calls.map(([line]) => String(line)));
      for (const spy of spies) spy.mockRestore();
      return lines.some((line) => line.includes("changed by management"));
    },
  ],
};

test("R-05-79 every setting that can be changed is seen to change", () => {
  const changeable = Object.entries(VARIABLES).filter(([, { isWiring }]) => !isWiring);
  expect(Object.keys(EFFECTS).sort()).toEqual(changeable.map(([name]) => name).sort());
});

test.each(Object.entries(EFFECTS))(
  "R-05-79 %s counts at once, and no longer when it is unset",
  async (name, effect) => {
    const [value, then, see] = effect;
    const slow = name === "ABUSE_CUTOFF" ? { LIMIT_SYNC: "connection:0.001/1" } : {};
    const relay = managedRelay({ RELAY_SECRET_KEY: "7".repeat(64), ...slow });
    const place: Place = { ...relay, a: await relay.login(alice) };
    const before = await see(place);
    expect(before).not.toEqual(then);
    expect((await relay.call("setsetting", name, value)).error).toBeUndefined();
    expect(await see(place)).toEqual(then);
    if (ENDS.has(name)) return;
    await relay.call("unsetsetting", name);
    expect(await see(place)).not.toEqual(then);
  },
);

/** What they did is not undone by their end. */
const ENDS: ReadonlySet<string> = new Set(["MAX_STORAGE", "ABUSE_CUTOFF"]);
