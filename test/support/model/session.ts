import { type Arrival, receiveTogether } from "../../workerd-old/one-turn.ts";
import type { Client, Frame } from "../client.ts";
import type { Key } from "../keys.ts";
import { freshRelay, type WorkerdRelay as TestRelay } from "../relay.workerd.ts";
import { KEYS, type Signer } from "./drafts.ts";
import { explains } from "./expected.ts";
import { Oracle } from "./oracle.ts";
import { IDLE_SECONDS } from "./oracle-syncs.ts";
import { authEvent, brief, interleavings, keyNumber, short, withoutExtras } from "./session-frames.ts";
import { type Message, messagesOf, type Step } from "./steps.ts";
import { SyncClients } from "./sync-client.ts";

/** One thing done to the oracle. */
type Act = (oracle: Oracle) => Oracle[];

/** A connection that has not logged in for so many seconds may be closed when the alarm rings (`AUTH_TIMEOUT`). */
const LOGIN_SECONDS = 600;
/** Answers of many turns may be later than that of a probe: look again this often. */
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
  readonly #syncs = new SyncClients();
  /** Frames of the step under way that have been waited for already. */
  #early: [on: number, frame: Frame][] = [];

  private constructor(signer: Signer) {
    this.#signer = signer;
    this.#oracles = [new Oracle((event) => signer.isGenuine(event))];
    this.#relay.setTime(this.oracle.now);
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
    const settle = async (connections: Iterable<number>) => {
      const all = [...connections].map(async (on) => {
        const frames = await settled(this.#clients.get(on) as Client);
        received.get(on)?.push(...frames.map((frame) => this.#syncs.receive(on, frame)));
      });
      await Promise.all(all);
    };
    // Once the senders have their answers, everybody else's frames are on their way before their probe's answer is.
    await settle(senders);
    await settle([...this.#clients.keys()].filter((on) => senders.size !== 1 || !senders.has(on)));
    let outcomes: Oracle[] = [];
    const explain = () => {
      outcomes = this.#predict(paths, received);
      return outcomes.filter((oracle) => isExplained(oracle, received));
    };
    let explaining = explain();
    const isLong = this.oracle.events.length > ONE_PAGE || messagesOf(step).some(({ verb }) => verb.startsWith("NEG-"));
    for (let look = 0; explaining.length === 0 && look < LOOKS && isLong; look++) {
      await letTimersRun();
      await settle(this.#clients.keys());
      explaining = explain();
    }
    if (explaining.length === 0) throw new Error(this.#describe(outcomes[0] as Oracle, received));
    this.#accept(step, explaining);
  }

  /** Every state that the step may lead to. A subscription that the relay says it lost is lost in all of them. */
  #predict(inTime: Act[][], received: Map<number, Frame[]>): Oracle[] {
    const isAnyEnded = [...received.values()].flat().some(([verb]) => verb === "NEG-ERR");
    const paths = isAnyEnded ? inTime.flatMap((path) => [path, ...withIdleSyncsEnded(path)]) : inTime;
    const lost = [...received].flatMap(([on, frames]) =>
      frames
        .filter(([verb, , text]) => verb === "CLOSED" && String(text).startsWith("error:"))
        .map(([, id]) => [on, id]),
    ) as [number, string][];
    return paths.flatMap((path) => {
      let oracles = this.#oracles.map((oracle) => oracle.clone());
      for (const act of path) {
        oracles = oracles.flatMap(act);
        if (act === evicted) for (const [on, id] of lost) for (const oracle of oracles) oracle.lose(on, id);
      }
      return oracles;
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
    this.#syncs.endStep();
    const names = [isPipelined ? "pipelined" : step.name, ...messagesOf(step).map(({ name }) => name)];
    for (const name of names) this.#count(`operation ${name}`);
    for (const name of [...this.oracle.outcomes, ...this.#syncs.outcomes.splice(0)]) this.#count(`outcome ${name}`);
    for (const oracle of this.#oracles) {
      oracle.expected = [];
      oracle.outcomes = [];
    }
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
        const sent = step.breaks
          ? await this.#sendTogether(step.messages, step.breaks)
          : step.messages.map((message) => ({ on: message.on, act: this.#sendOne(message) }));
        return interleavings([...Map.groupBy(sent, ({ on }) => on).values()].map((own) => own.map(({ act }) => act)));
      }
      case "evict": {
        const before = step.before.map((message) => this.#sendOne(message));
        // An open sync keeps the object in memory.
        if (step.isIdle) {
          before.push(
            this.#pass(IDLE_SECONDS + 1),
            acting((oracle) => void oracle.endIdleSyncs()),
          );
        } else {
          before.push(
            ...this.#syncs.all.map(({ on, id }) => this.#sendOne({ name: "end", on, verb: "NEG-CLOSE", id })),
          );
        }
        await this.#relay.restart();
        const after = step.after.map((message) => this.#sendOne(message));
        return [[...before, evicted, ...after]];
      }
      case "reconnect":
        await this.#reconnect(step.on);
        return [step.messages.map((message) => this.#sendOne(message))];
      case "clock":
        return [[this.#pass(step.seconds)]];
      case "alarm":
        await this.#relay.ringOnce();
        for (const [on, { authed, openedAt }] of [...this.oracle.connections]) {
          if (authed.size === 0 && openedAt + LOGIN_SECONDS <= this.oracle.now) await this.#reconnect(on);
        }
        return [[acting((oracle) => oracle.alarm())]];
    }
  }

  /** The clock of the relay goes on. */
  #pass(seconds: number): Act {
    this.#relay.setTime(this.oracle.now + seconds);
    return acting((oracle) => oracle.advance(seconds));
  }

  #sendOne(message: Message): Act {
    const client = this.#clients.get(message.on) as Client;
    const frame = this.#frame(message, client);
    client.send(frame);
    return (oracle) => oracle.receive(message.on, frame);
  }

  /** The relay receives the messages in one turn. */
  async #sendTogether(messages: Message[], breaks: number[]): Promise<{ on: number; act: Act }[]> {
    const arrivals = messages.map((message, i): Arrival => {
      const client = this.#clients.get(message.on) as Client;
      return [client, this.#frame(message, client), breaks[i]];
    });
    await receiveTogether(this.#relay.stub, arrivals);
    return messages.map(({ on }, i) => ({ on, act: (oracle) => oracle.receive(on, arrivals[i]?.[1] as Frame) }));
  }

  #frame(message: Message, { challenge }: Client): Frame {
    switch (message.verb) {
      case "EVENT":
        return ["EVENT", this.#signer.sign(message.draft)];
      case "REQ":
      case "COUNT":
        return [message.verb, message.id, ...message.filters];
      case "CLOSE":
      case "NEG-CLOSE":
        return [message.verb, message.id];
      case "NEG-OPEN": {
        const id = this.#syncs.unused(message.on, message.id);
        const opening = this.#syncs.open(message.on, id, message.records);
        return ["NEG-OPEN", id, message.filter, message.fault ?? opening];
      }
      case "NEG-MSG":
        return ["NEG-MSG", message.id, message.fault ?? this.#syncs.next(message.on, message.id)];
      case "AUTH": {
        const answered = message.fault === "challenge" ? `not ${challenge}` : challenge;
        const event = authEvent(KEYS[message.by] as Key, answered, this.oracle.now);
        if (message.fault === "sig") event.sig = `${event.sig.slice(0, -2)}${event.sig.endsWith("00") ? "11" : "00"}`;
        else this.#signer.learn(event);
        return ["AUTH", event];
      }
    }
  }

  /** Waits for the answer alone, without a probe that would hasten it. What arrives is kept. */
  async #answer({ on, verb }: Message): Promise<void> {
    if (verb === "CLOSE" || verb === "NEG-CLOSE") return;
    const client = this.#clients.get(on) as Client;
    const ends = ["OK", "EOSE", "CLOSED", "COUNT", "NEG-MSG", "NEG-ERR"];
    for (;;) {
      const frame = await client.next();
      this.#early.push([on, this.#syncs.receive(on, frame)]);
      if (ends.includes(frame[0])) return;
    }
  }

  async #reconnect(on: number): Promise<void> {
    this.#clients.get(on)?.close();
    this.#clients.delete(on);
    await this.#hasConnections(this.#clients.size);
    await this.#connect(on);
  }

  async #connect(on: number): Promise<void> {
    const client = await this.#relay.connect();
    this.#clients.set(on, client);
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

/**
 * Everything that has arrived up to the answer of a probe. The probe (R-01-04b) is a message like others and answered
 * in order, whether or not the connection is logged in.
 */
async function settled(client: Client): Promise<Frame[]> {
  client.send(["PING"]);
  const frames: Frame[] = [];
  for (;;) {
    const frame = await client.next();
    if (frame[0] === "PONG") return frames;
    frames.push(frame);
  }
}

function isExplained(oracle: Oracle, received: Map<number, Frame[]>): boolean {
  return [...received].every(([on, frames]) => {
    const expected = oracle.expected.filter(({ connection }) => connection === on);
    return explains(expected, frames.map(withoutExtras));
  });
}

/** An act that has one outcome. */
function acting(act: (oracle: Oracle) => void): Act {
  return (oracle) => {
    act(oracle);
    return [oracle];
  };
}

/** The relay ends idle syncs of its own accord, at any one moment. */
function withIdleSyncsEnded(path: Act[]): Act[][] {
  const ended: Act = (oracle) => (oracle.endIdleSyncs() ? [oracle] : []);
  return Array.from({ length: path.length + 1 }, (_, at) => path.toSpliced(at, 0, ended));
}

const evicted = acting((oracle) => oracle.evict());
