import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "../../src/protocol/event.ts";
import { messageFromHex, messageToHex } from "../../src/protocol/negentropy/negentropy.ts";
import type { Connection, Message } from "../client/connection.ts";
import { Failure } from "../failure.ts";
import type { Responder } from "./differences.ts";

/** What is asked for; `since` and `until` are whole seconds. */
export type SyncFilter = Record<string, unknown> & { since?: number; until?: number };

/** A relay cannot compare so many events at a time: a part of them it may. */
export class TooMany extends Error {}

/** A relay has no NIP-77. */
export class NoNegentropy extends Error {}

/** How long a relay may take for one answer of a sync, in milliseconds: it reads all ids for the first one. */
const ANSWER_MS = 120_000;

/** The same of a relay that does not say that it has NIP-77. */
const DOUBTFUL_MS = 10_000;

/** How often one message is sent again. */
const MAX_TRIES = 20;

/** Bytes of one message to a relay whose limit is not known: its hex text fits the 128 KiB that strfry takes. */
const COMMON_MESSAGE = 60_000;

/** Bytes of one message at most. */
const MAX_MESSAGE = 400_000;

/** One relay of a sync. */
export class Side {
  readonly connection: Connection;
  /** Whether its information document has NIP-77. */
  readonly #isListed: boolean;
  readonly #maxMessage: number;
  /** Messages that were answered. */
  roundTrips = 0;
  hasNegentropy: boolean;

  /** `information` is that of NIP-11, as far as it is known. */
  constructor(connection: Connection, information: Record<string, unknown>, usePages = false) {
    this.connection = connection;
    const { supported_nips, limitation } = information;
    this.#isListed = Array.isArray(supported_nips) && supported_nips.includes(77);
    const max = Number((limitation as { max_message_length?: unknown } | undefined)?.max_message_length);
    const fitting = Number.isSafeInteger(max) ? Math.floor(max / 2) - 2048 : COMMON_MESSAGE;
    this.#maxMessage = Math.max(4096, Math.min(fitting, MAX_MESSAGE));
    this.hasNegentropy = !usePages;
  }

  /** Opens a sync of what matches. It begins with the first message. */
  negotiation(filter: SyncFilter): Responder & { end(): void } {
    const id = crypto.randomUUID().slice(0, 8);
    let isOpen = false;
    let isEnded = false;
    const end = () => {
      isEnded = true;
      if (isOpen) this.connection.send(["NEG-CLOSE", id]);
    };
    const ask = async (message: Uint8Array): Promise<Uint8Array> => {
      for (let tries = 0; ; tries++) {
        const question: Message = isOpen
          ? ["NEG-MSG", id, messageToHex(message)]
          : ["NEG-OPEN", id, filter, messageToHex(message)];
        const answer = await this.#negotiate(question, id, isOpen);
        this.roundTrips++;
        const bytes = answer[0] === "NEG-MSG" ? messageFromHex(answer[2]) : undefined;
        isOpen = bytes !== undefined;
        if (bytes !== undefined) {
          if (isEnded) end();
          return bytes;
        }
        await this.#refused(String(answer[2]), tries);
      }
    };
    return { maxMessage: this.#maxMessage, ask, end };
  }

  /** All events of these ids that the relay gives. */
  async fetch(ids: readonly string[]): Promise<Event[]> {
    const wanted = new Set(ids);
    const events: Event[] = [];
    for (;;) {
      const given = await this.request({ ids: [...wanted], limit: wanted.size });
      const fresh = given.filter(({ id }) => wanted.delete(id));
      events.push(...fresh);
      // A relay may give fewer at a time.
      if (wanted.size === 0 || fresh.length === 0) return events;
    }
  }

  /** The events of one answer. */
  async request(filter: object): Promise<Event[]> {
    const events: Event[] = [];
    await this.connection.request([filter], (event) => events.push(event));
    this.roundTrips++;
    return events;
  }

  async #negotiate(question: Message, id: string, isOpen: boolean): Promise<Message> {
    const isDoubtful = !this.#isListed && !isOpen;
    const isAnswer = ([verb, about]: Message) =>
      ((verb === "NEG-MSG" || verb === "NEG-ERR") && about === id) || (isDoubtful && verb === "NOTICE");
    const answer = this.connection.ask(question, isAnswer, isDoubtful ? DOUBTFUL_MS : ANSWER_MS);
    const lost = this.connection.closed;
    const result = isDoubtful ? await Promise.race([answer.catch(() => undefined), lost]) : await answer;
    if (result === undefined || result[0] === "NOTICE") throw this.#without();
    return result;
  }

  #without(): NoNegentropy {
    this.hasNegentropy = false;
    return new NoNegentropy();
  }

  /** Decides whether a refused message may be sent again; waits until then. */
  async #refused(reason: string, tries: number): Promise<void> {
    if (/^rate-limited:/.test(reason) && tries < MAX_TRIES) return pause(reason);
    // Idle for too long, or lost with the memory of the relay: the same message opens it again.
    if (/^closed/i.test(reason) && tries < MAX_TRIES) return;
    if (/too (many|big|large)|too_big|RESULTS/i.test(reason)) throw new TooMany(reason);
    if (/^(error|unsupported):/.test(reason)) throw this.#without();
    throw new Failure(`the sync is refused: ${reason}`);
  }
}

/** Waits as long as a refusal says (`retry=3`, in seconds), or for one second. */
export async function pause(reason: string): Promise<void> {
  const seconds = Number(/retry=(\d{1,3})\b/.exec(reason)?.[1] ?? 1);
  await sleep(Math.max(1, seconds) * 1000);
}
