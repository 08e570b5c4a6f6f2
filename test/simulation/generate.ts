import { type Draft, randomDraft } from "../support/model/drafts.ts";
import { addressOf } from "../support/model/naive-rules.ts";
import { randomConnection, randomMessage } from "../support/model/operations.ts";
import { type Content, type Message, publish, type State } from "../support/model/steps.ts";
import { openSync } from "../support/model/sync-operations.ts";
import type { Random } from "../support/random.ts";
import type { Action, Settings } from "./actions.ts";

export function settingsOf(seed: number, random: Random): Settings {
  return {
    seed,
    scale: random.pick([1, 5, 20, 100]),
    gatherMs: random.pick([0, 1]),
    canPause: random.chance(0.5),
    tellsOfSyncs: random.chance(0.5),
    graceMs: random.pick([0, 0, 200]),
    hibernates: random.chance(0.5),
    connections: 3 + (seed % 3),
  };
}

interface Happening {
  weight: number;
  generate(random: Random, state: State, settings: Settings): Action[];
}

const HAPPENINGS: readonly Happening[] = [
  {
    weight: 50,
    // A client sends something, or some things in a row.
    generate: (random, state) => {
      const on = randomConnection(random, state);
      const count = random.pick([1, 1, 1, 2, 4, random.chance(0.1) ? 40 : 6]);
      return messages(
        random,
        Array.from({ length: count }, () => randomMessage(random, state, on)),
      );
    },
  },
  {
    weight: 15,
    // Several clients at once, sometimes with the same event.
    generate: (random, state) => {
      const some = Array.from({ length: random.int(2, 6) }, () =>
        randomMessage(random, state, randomConnection(random, state)),
      );
      const first = some[0] as Message;
      if (first.verb === "EVENT" && random.chance(0.4)) some.push({ ...first, on: randomConnection(random, state) });
      return messages(random, random.shuffle(some));
    },
  },
  {
    weight: 8,
    // All that can be seen.
    generate: (random, state) => {
      const on = randomConnection(random, state);
      const message: Message = {
        name: "query",
        on,
        verb: "REQ",
        id: "query",
        filters: [random.chance(0.5) ? {} : { limit: 5 }],
      };
      return messages(
        random,
        random.chance(0.5) ? [message] : [message, { name: "query", on, verb: "CLOSE", id: "query" }],
      );
    },
  },
  { weight: 3, generate: lossWhileAnswering },
  {
    weight: 3,
    // A sync from beginning to end.
    generate: (random, state) => {
      const on = randomConnection(random, state);
      const opening: Message = { name: "whole sync", on, ...openSync(random, state, on) };
      const round: Message = { name: "whole sync", on, verb: "NEG-MSG", id: opening.id };
      const end: Message = { ...round, verb: "NEG-CLOSE" };
      return [opening, round, round, round, end].flatMap((message) => [{ do: "send", message }, { do: "settle" }]);
    },
  },
  { weight: 25, generate: (random) => [{ do: "run", times: random.pick([1, 1, 1, 2, 3, 10]) }] },
  { weight: 15, generate: (random) => [{ do: "tick", ms: random.pick([0, 1, 1, 2, 5, 11, 20, 300]) }] },
  { weight: 6, generate: (random) => [{ do: "tick", ms: 1000 * random.pick([1, 1, 2, 3, 5, 8, 61]) }] },
  {
    weight: 2,
    generate: (random) => [{ do: "clock", seconds: random.pick([-1, -5, -100, 60, 3600, -3600, 86400, 604800]) }],
  },
  {
    weight: 6,
    generate: (random, state) => [{ do: "crowd", on: randomConnection(random, state), is: random.chance(0.6) }],
  },
  { weight: 1, generate: (random, state) => [{ do: "overflow", on: randomConnection(random, state) }] },
  { weight: 2, generate: (random, state) => [{ do: "leave", on: randomConnection(random, state) }] },
  {
    weight: 3,
    generate: (random) => [
      {
        do: "fail",
        after: random.int(0, random.pick([2, 20, 100])),
        times: random.pick([1, 1, 2, 5, 50]),
        isCrash: random.chance(0.2),
      },
    ],
  },
  { weight: 1, generate: () => [{ do: "crash" }] },
  { weight: 1, generate: () => [{ do: "evict" }] },
  { weight: 8, generate: () => [{ do: "settle" }] },
];

/** What happens next. Whoever is away comes back soon. */
export function nextActions(random: Random, state: State, settings: Settings): Action[] {
  const { connections } = state.oracle;
  const away = Array.from({ length: settings.connections }, (_, on) => on).filter((on) => !connections.has(on));
  if (away.length > 0 && (connections.size === 0 || random.chance(0.5))) return arrival(random, random.pick(away));
  return random.weighted(HAPPENINGS).generate(random, state, settings);
}

/** In the end everybody sees all they may see, and no more. */
export function finalActions(settings: Settings): Action[] {
  const actions: Action[] = [{ do: "settle" }];
  for (let on = 0; on < settings.connections; on++) {
    const query = { name: "query", on, id: "all" };
    const last: Message[] = [
      { name: "login", on, verb: "AUTH", by: on },
      { ...query, verb: "REQ", filters: [{}] },
      { ...query, verb: "REQ", filters: [{ limit: 5000 }] },
      { ...query, verb: "COUNT", filters: [{}] },
      { ...query, verb: "CLOSE" },
    ];
    actions.push({ do: "connect", on }, { do: "settle" });
    for (const message of last) actions.push({ do: "send", message }, { do: "settle" });
  }
  return actions;
}

/** A client that does not read has an answer under way, while an event comes and goes. */
function lossWhileAnswering(random: Random, state: State): Action[] {
  const on = randomConnection(random, state);
  const other = randomConnection(random, state);
  const { now } = state.oracle;
  const draft = randomDraft(random, [1, 1, 7, 0, 10002, 30023, 20001, 4, 1059], now);
  const lifetime = random.pick([undefined, undefined, undefined, ["expiration", String(now + 2)]]);
  if (lifetime !== undefined) draft.tags.push(lifetime);
  const event = state.signer.sign(draft);
  const address = addressOf(event);
  const named = address !== undefined && random.chance(0.5) ? ["a", address] : ["e", event.id];
  const by = { by: draft.by, created_at: now, content: "" };
  const end = random.pick<Draft>([
    { ...by, kind: 5, tags: [named] },
    { ...by, kind: 5, tags: [named] },
    { ...by, kind: 62, tags: [["relay", "ALL_RELAYS"]] },
    { ...draft, created_at: draft.created_at + 1, content: "newer" },
  ]);
  const send = (content: Content, from: number): Action => {
    return { do: "send", message: { name: "lose while answering", on: from, ...content } };
  };
  const run: Action = { do: "run", times: random.int(1, 3) };
  const early = random.chance(0.3) ? [send(publish(draft), other), run] : [];
  return [
    ...early,
    { do: "crowd", on, is: true },
    send({ verb: "REQ", id: "lossy", filters: [{}] }, on),
    run,
    ...(early.length > 0 ? [] : [send(publish(draft), other), run]),
    lifetime === undefined || random.chance(0.3) ? send(publish(end), other) : { do: "tick", ms: 2000 },
    run,
    { do: "crowd", on, is: false },
    ...(random.chance(0.5) ? [{ do: "settle" } as const] : []),
  ];
}

function arrival(random: Random, on: number): Action[] {
  const login: Action = { do: "send", message: { name: "login", on, verb: "AUTH", by: on } };
  return [{ do: "connect", on }, ...(random.chance(0.8) ? [login] : [])];
}

/** With turns of the relay in between, or not. */
function messages(random: Random, all: readonly Message[]): Action[] {
  const isDense = random.chance(0.5);
  return all.flatMap((message): Action[] => {
    const send: Action = { do: "send", message };
    return isDense || random.chance(0.3) ? [send] : [send, { do: "run", times: random.int(1, 2) }];
  });
}
