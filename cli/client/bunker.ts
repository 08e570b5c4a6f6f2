import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AbstractRelay } from "nostr-tools/abstract-relay";
import type { BunkerPointer, BunkerSigner } from "nostr-tools/nip46";
import type { Event } from "../../src/protocol/event.ts";
import { Failure, messageOf, UsageError } from "../failure.ts";
import { shorten } from "../output.ts";
import { type Draft, draftOf, KeySigner, type Signer } from "./crypto.ts";
import { secretKeyOf } from "./keys.ts";

/** How long a bunker may take for an answer, in milliseconds. */
const ANSWER_MS = Number(process.env.NEXUS_BUNKER_TIMEOUT ?? 30) * 1000;

/** The same once it has sent its owner to a page, to agree there. */
const CONSENT_MS = 300_000;

/** How long a relay may take to open a connection, in milliseconds, and to ask for a login. */
const OPEN_MS = 10_000;
const CHALLENGE_MS = 500;

/** Those that are open: their sockets would keep the process. */
const open = new Set<() => void>();

/** Ends all connections to bunkers. */
export function closeBunkers(): void {
  for (const close of open) close();
  open.clear();
}

/** Whether a text says where a key is kept, instead of being one. */
export function isBunker(text: string): boolean {
  return text.startsWith("bunker://");
}

/**
 * What signs with a key that a bunker keeps (NIP-46). `url` is what the bunker shows: `bunker://KEY?relay=…&secret=…`.
 * Rejects with what to do if the bunker does not answer.
 */
export function openBunker(url: string): Promise<Signer> {
  const signer = signers.get(url) ?? signerAt(url);
  signers.set(url, signer);
  return signer;
}

/** Those that were asked for, by URL. */
const signers = new Map<string, Promise<Signer>>();

async function signerAt(url: string): Promise<Signer> {
  const [{ BunkerSigner, parseBunkerInput }, { SimplePool }] = await Promise.all([
    import("nostr-tools/nip46"),
    import("nostr-tools/pool"),
  ]);
  const pointer = await parseBunkerInput(url);
  if (pointer === null || pointer.relays.length === 0) {
    throw new UsageError("that is no URL of a bunker: it must look like bunker://KEY?relay=wss://relay.example.com");
  }
  const { secret, isNew } = clientKey(pointer.pubkey);
  const own = new KeySigner(secret);
  const login = async (event: Draft) => own.sign(event) as never;
  // `nexus proxy` may need the bunker again after days.
  const pool = new SimplePool({ enablePing: true, enableReconnect: true });
  pool.automaticallyAuth = () => login;
  const opened = await Promise.allSettled(
    pointer.relays.map(async (relay) =>
      loggedIn(await pool.ensureRelay(relay, { connectionTimeout: OPEN_MS }), (event) => login(event)),
    ),
  );
  open.add(() => pool.destroy());
  if (!opened.some(({ status }) => status === "fulfilled")) {
    const why = opened.map((one) => (one.status === "rejected" ? messageOf(one.reason) : "")).join("; ");
    throw new Failure(`no relay of the bunker takes a connection (${pointer.relays.join(", ")}): ${shorten(why)}`);
  }
  let isAsked = false;
  const onauth = (page: string) => {
    isAsked = true;
    console.error(`The bunker asks for your consent. Open this page: ${shorten(page, 500)}`);
  };
  const client = BunkerSigner.fromBunker(Buffer.from(secret, "hex"), pointer, { pool, onauth });
  const ask = <T>(what: string, question: Promise<T>) => answered(what, question, pointer, () => isAsked);
  const pubkey = await connect(client, isNew, ask);
  return {
    pubkey,
    async sign(draft) {
      const wanted = draftOf(draft);
      const event = (await ask("signing", client.signEvent(wanted))) as Event;
      const isWanted = event.pubkey === pubkey && JSON.stringify(draftOf(event)) === JSON.stringify(wanted);
      if (!isWanted) throw new Failure("the bunker signed something else than it was asked for");
      return event;
    },
  };
}

type Ask = <T>(what: string, question: Promise<T>) => Promise<T>;

/** Bunkers know their clients, and take the secret of a URL once: one that is known needs not to connect. */
async function connect(client: BunkerSigner, isNew: boolean, ask: Ask): Promise<string> {
  if (!isNew) {
    const known = await ask("the public key", client.getPublicKey()).catch(() => undefined);
    if (known !== undefined) return known;
  }
  await ask("the connection", client.connect({ name: "nexus" }));
  return ask("the public key", client.getPublicKey());
}

/** The answer of a bunker; it may take long only where its owner is asked. */
async function answered<T>(
  what: string,
  question: Promise<T>,
  { relays }: BunkerPointer,
  isAsked: () => boolean,
): Promise<T> {
  const done = new AbortController();
  const silent = `the bunker does not answer for ${what}: see that it runs, listens at ${relays.join(", ")}, and asks you nothing`;
  const late = async (): Promise<never> => {
    await sleep(ANSWER_MS, undefined, { signal: done.signal });
    if (isAsked()) await sleep(CONSENT_MS, undefined, { signal: done.signal });
    throw new Failure(silent);
  };
  try {
    return await Promise.race([question, late()]);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const why = error instanceof AggregateError ? error.errors.map(messageOf).join("; ") : messageOf(error);
    // A relay says so of an event that nobody listens for.
    throw new Failure(why.startsWith("mute:") ? silent : `the bunker refuses ${what}: ${shorten(why)}`);
  } finally {
    done.abort();
  }
}

/** Waits for a login where the relay asks for one. */
async function loggedIn(relay: AbstractRelay, sign: Parameters<AbstractRelay["auth"]>[0]): Promise<void> {
  for (let waited = 0; waited < CHALLENGE_MS; waited += 50) {
    try {
      await relay.auth(sign);
      return;
    } catch (error) {
      if (!/no challenge/.test(messageOf(error))) throw error;
    }
    await sleep(50);
  }
}

/** The key by which a bunker knows this user on this machine; made at the first time. It signs nothing but requests. */
function clientKey(bunker: string): { secret: string; isNew: boolean } {
  const directory = join(process.env.XDG_STATE_HOME || join(homedir(), ".local/state"), "nexus");
  const file = join(directory, `bunker-${bunker.slice(0, 16)}.key`);
  try {
    const secret = secretKeyOf(readFileSync(file, "utf8").trim());
    if (secret !== undefined) return { secret, isNew: false };
  } catch {}
  const secret = randomBytes(32).toString("hex");
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  } catch (error) {
    console.error(`warning: ${file} cannot be written, so the bunker will not know you next time: ${messageOf(error)}`);
  }
  return { secret, isNew: true };
}
