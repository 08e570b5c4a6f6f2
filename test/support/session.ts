import { evictDurableObject } from "cloudflare:test";
import type { Event } from "nostr-tools/pure";
import { type Client, type Frame, RELAY_URL } from "./client.ts";
import { KEYS, type Signer } from "./drafts.ts";
import { type Expected, explains } from "./expected.ts";
import { type Key, now, signed } from "./keys.ts";
import type { Message, Step } from "./operations.ts";
import { Oracle } from "./oracle.ts";
import { freshRelay, type TestRelay } from "./relay.ts";

/** One thing done to the oracle. */
type Act = (oracle: Oracle) => Oracle[];

/** Answers that come in several pages may be later than the answer of a probe: look again this often. */
const LOOKS = 20;
const ONE_PAGE = 400;

/** Several connections to one fresh relay, and the oracle that is told the same as the relay. */
export class Session {
  readonly tally = new Map<string, number>();
  readonly #relay: TestRelay = freshRelay();
  readonly #clients = new Map<number, Client>();
  readonly #signer: Signer;
  /** More than one where several states explain what has been seen so far. */
  #oracles: Oracle[];
  /** Connections whose last probe was closed before they were logged in: the refusal of that CLOSE is yet to come. */
  #refusedProbes = new Set<number>();
  /** Frames of the step under way that have been waited for already. */
  #early: [on: number, frame: Frame][] = [];

  private constructor(signer: Signer) {
    this.#signer = signer;
    this.#oracles = [new Oracle((event) => signer.isGenuine(event))];
  }

  /** Opens connections 0, 1, …; connection n is logged in with key n. */
  static async open(connections: number, signer: Signer): Promise<Session> {
    const session = new Session(signer);
    for (let on = 0; on < connections; on++) {
      await session.#connect(on);
      const message: Message = { name: "login", on, verb: "AUTH", by: on };
      await session.perform({ name: "send", isPaced: true, messages: [message] });
    }
    return session;
  }

  get oracle(): Oracle {
    return this.#oracles[0] as Oracle;
  }

  /** Does the step to the relay and to the oracle. Throws if the relay has sent anything else than it must. */
  async perform(step: Step): Promise<void> {
    await letTimersRun();
    this.#early = [];
    const paths = await this.#send(step);
    const senders = new Set(messagesOf(step).map(({ on }) => on));
    const received = new Map([...this.#clients.keys()].map((on): [number, Frame[]] => [on, []]));
    for (const [on, frame] of this.#early) received.get(on)?.push(frame);
    const settles = new Map<number, number>();
    const settle = async (connections: Iterable<number>) => {
      const all = [...connections].map(async (on) => {
        settles.set(on, (settles.get(on) ?? 0) + 1);
        received.get(on)?.push(...(await (this.#clients.get(on) as Client).settled()));
      });
      await Promise.all(all);
    };
    // Once the senders have their answers, everybody else's frames are on their way before their probe's answer is.
    await settle(senders);
    await settle([...this.#clients.keys()].filter((on) => senders.size !== 1 || !senders.has(on)));
    const outcomes = this.#predict(paths, received);
    const explain = () => outcomes.filter((oracle) => this.#isExplained(oracle, received, settles));
    let explaining = explain();
    for (let look = 0; explaining.length === 0 && look < LOOKS && this.oracle.events.length > ONE_PAGE; look++) {
      await letTimersRun();
      await settle(this.#clients.keys());
      explaining = explain();
    }
    if (explaining.length === 0) throw new Error(this.#describe(outcomes[0] as Oracle, received));
    this.#accept(step, explaining);
  }

  /** Every state that the step may lead to. A subscription that the relay says it lost is lost in all of them. */
  #predict(paths: Act[][], received: Map<number, Frame[]>): Oracle[] {
    const lost = [...received].flatMap(([on, frames]) =>
      frames
        .filter(([verb, , text]) => verb === "CLOSED" && String(text).startsWith("error:"))
        .map(([, id]) => [on, id]),
    ) as [number, string][];
    return paths.flatMap((path) => {
      let oracles = paths.length === 1 ? this.#oracles : this.#oracles.map((oracle) => oracle.clone());
      for (const act of path) {
        oracles = oracles.flatMap(act);
        if (act === evicted) for (const [on, id] of lost) for (const oracle of oracles) oracle.lose(on, id);
      }
      return oracles;
    });
  }

  #isExplained(oracle: Oracle, received: Map<number, Frame[]>, settles: Map<number, number>): boolean {
    return [...received].every(([on, frames]) => {
      const isLoggedIn = (oracle.connections.get(on)?.authed.size ?? 0) > 0;
      const refused =
        (this.#refusedProbes.has(on) ? 1 : 0) + (isLoggedIn ? 0 : Math.max(0, (settles.get(on) ?? 0) - 1));
      const expected = oracle.expected.filter(({ connection }) => connection === on);
      for (let i = 0; i < refused; i++) expected.push({ ...REFUSED_PROBE, connection: on });
      return explains(expected, frames.map(withoutExtras));
    });
  }

  #accept(step: Step, explaining: Oracle[]): void {
    const seen = new Set<string>();
    const isNew = (oracle: Oracle) => {
      const fingerprint = explaining.length === 1 ? "" : oracle.fingerprint;
      return !seen.has(fingerprint) && seen.add(fingerprint);
    };
    this.#oracles = explaining.filter(isNew);
    const isPipelined = step.name === "send" && step.messages.length > 1;
    const names = [isPipelined ? "pipelined" : step.name, ...messagesOf(step).map(({ name }) => name)];
    for (const name of names) this.#count(`operation ${name}`);
    for (const name of this.oracle.outcomes) this.#count(`outcome ${name}`);
    for (const oracle of this.#oracles) {
      oracle.expected = [];
      oracle.outcomes = [];
    }
    const loggedOut = [...this.oracle.connections].filter(([, { authed }]) => authed.size === 0);
    this.#refusedProbes = new Set(loggedOut.map(([on]) => on));
  }

  #count(name: string): void {
    this.tally.set(name, (this.tally.get(name) ?? 0) + 1);
  }

  /** Sends; returns what the oracle is to be told, in each order in which the relay may have taken it. */
  async #send(step: Step): Promise<Act[][]> {
    switch (step.name) {
      case "send":
      case "query": {
        const path: Act[] = [];
        for (const message of step.messages) {
          path.push(this.#sendOne(message));
          if (step.isPaced) await this.#answer(message);
        }
        return [path];
      }
      case "concurrent": {
        const sent = step.messages.map((message) => ({ on: message.on, act: this.#sendOne(message) }));
        return interleavings([...Map.groupBy(sent, ({ on }) => on).values()].map((own) => own.map(({ act }) => act)));
      }
      case "evict": {
        const before = step.before.map((message) => this.#sendOne(message));
        await evictDurableObject(this.#relay.stub);
        const after = step.after.map((message) => this.#sendOne(message));
        return [[...before, evicted, ...after]];
      }
      case "reconnect": {
        const { on } = step;
        this.#clients.get(on)?.close();
        this.#clients.delete(on);
        await this.#hasConnections(this.#clients.size);
        await this.#connect(on);
        return [step.messages.map((message) => this.#sendOne(message))];
      }
    }
  }

  #sendOne(message: Message): Act {
    const client = this.#clients.get(message.on) as Client;
    const frame = this.#frame(message, client);
    client.send(frame);
    return (oracle) => oracle.receive(message.on, frame);
  }

  #frame(message: Message, { challenge }: Client): Frame {
    switch (message.verb) {
      case "EVENT":
        return ["EVENT", this.#signer.sign(message.draft)];
      case "REQ":
      case "COUNT":
        return [message.verb, message.id, ...message.filters];
      case "CLOSE":
        return ["CLOSE", message.id];
      case "AUTH": {
        const answered = message.fault === "challenge" ? `not ${challenge}` : challenge;
        const event = authEvent(KEYS[message.by] as Key, answered);
        if (message.fault === "sig") event.sig = `${event.sig.slice(0, -2)}${event.sig.endsWith("00") ? "11" : "00"}`;
        else this.#signer.learn(event);
        return ["AUTH", event];
      }
    }
  }

  /** Waits for the answer alone, without a probe that would hasten it. What arrives is kept. */
  async #answer({ on, verb }: Message): Promise<void> {
    if (verb === "CLOSE") return;
    const client = this.#clients.get(on) as Client;
    const ends = ["OK", "EOSE", "CLOSED", "COUNT"];
    for (;;) {
      const frame = await client.next();
      this.#early.push([on, frame]);
      if (ends.includes(frame[0])) return;
    }
  }

  async #connect(on: number): Promise<void> {
    const client = await this.#relay.connect();
    this.#clients.set(on, client);
    this.#refusedProbes.delete(on);
    for (const oracle of this.#oracles) {
      oracle.disconnect(on);
      oracle.connect(on, client.challenge);
    }
  }

  /** Waits until the relay has noticed that a socket has closed. */
  async #hasConnections(count: number): Promise<void> {
    const deadline = Date.now() + 5000;
    while (Date.now() < deadline) {
      const response = await this.#relay.stub.fetch("http://relay/api/stats");
      const { connections } = (await response.json()) as { connections: number };
      if (connections === count) return;
    }
    throw new Error("the relay does not notice that a socket has closed");
  }

  #describe(oracle: Oracle, received: Map<number, Frame[]>): string {
    const lines = [...received].flatMap(([on, frames]) => [
      `connection ${on}, authed as ${[...(oracle.connections.get(on)?.authed ?? [])].map(keyNumber).join(", ")}`,
      `  expected ${JSON.stringify(oracle.expected.filter(({ connection }) => connection === on).map(brief))}`,
      `  received ${JSON.stringify(frames.map(short))}`,
    ]);
    return lines.join("\n");
  }
}

/** Inside one process, frames that follow each other without a break keep every timer from running, the relay's too. */
async function letTimersRun(): Promise<void> {
  await scheduler.wait(0);
}

const evicted: Act = (oracle) => {
  oracle.evict();
  return [oracle];
};

/** R-06-04: the CLOSE of a probe is refused too, which shows when the next probe is answered. */
const REFUSED_PROBE = {
  anyOf: [[["NOTICE", "auth-required: authentication required"] as Frame]],
  isUnordered: true,
  mayBeCut: false,
};

export function messagesOf(step: Step): Message[] {
  return step.name === "evict" ? [...step.before, ...step.after] : step.messages;
}

/** All orders that keep the order within each track. */
export function interleavings<T>(tracks: T[][]): T[][] {
  const open = tracks.filter((track) => track.length > 0);
  if (open.length === 0) return [[]];
  return open.flatMap((track) =>
    interleavings(open.map((other) => (other === track ? track.slice(1) : other))).map((rest) => [
      track[0] as T,
      ...rest,
    ]),
  );
}

function authEvent(by: Key, challenge: string): Event {
  const tags = [
    ["relay", RELAY_URL],
    ["challenge", challenge],
  ];
  return signed(by, { kind: 22242, created_at: now(), tags });
}

/** A COUNT may carry more than the number (R-05-34, R-05-36). */
function withoutExtras(frame: Frame): Frame {
  if (frame[0] !== "COUNT" || typeof frame[2] !== "object" || frame[2] === null) return frame;
  const { hll, approximate, ...rest } = frame[2] as Record<string, unknown>;
  if (hll !== undefined && !/^[0-9a-f]{512}$/.test(String(hll))) return frame;
  return approximate === undefined || approximate === false ? [frame[0], frame[1], rest] : frame;
}

function keyNumber(pubkey: string): number {
  return KEYS.findIndex((key) => key.pubkey === pubkey);
}

function brief({ anyOf, isUnordered, mayBeCut }: Expected): unknown {
  const forms = anyOf.map((frames) => frames.map(short));
  return { ...(isUnordered ? { live: forms[0]?.[0] } : { oneOf: forms }), ...(mayBeCut ? { mayBeCut } : {}) };
}

/** Enough of a frame to tell what it is. */
function short(frame: Frame): unknown[] {
  return frame.map((item) => {
    if (typeof item === "string") return item.length === 64 ? item.slice(0, 8) : item;
    if (frame[0] !== "EVENT") return item;
    const { id, pubkey, kind, created_at } = item as Event;
    return `${id.slice(0, 8)} kind ${kind} of ${keyNumber(pubkey)} at ${created_at}`;
  });
}
