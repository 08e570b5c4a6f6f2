// @ts-check
// A buyer and a provider meet on the relay and do one job (NIP-89, NIP-90):
//
//   node examples/quickstart.mjs [ws://localhost:8787]
//
// The buyer uses nostr-tools, the provider NDK. Both make a new key for each run.
import { EventEmitter, once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import NDK, { NDKEvent, NDKPrivateKeySigner, NDKRelayAuthPolicies } from "@nostr-dev-kit/ndk";
import { SimplePool, useWebSocketImplementation } from "nostr-tools/pool";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { bytesToHex, hexToBytes } from "nostr-tools/utils";

const [url = "ws://localhost:8787", option, file] = process.argv.slice(2);

/** Text generation: a job request of this kind is answered with feedback and a result. */
const REQUEST = 5050;
const RESULT = 6050;
const FEEDBACK = 7000;
const HANDLER = 31990;

const MEMBERS_ONLY = `Not every key may publish here, and the two of this example are new. Try it on a relay of its own:

  NEXUS_DATA_DIR=/tmp/nexus-try PORT=8790 WRITE_ACCESS=authenticated READ_ACCESS=authenticated npm start`;

async function doOneJob() {
  const buyerKey = generateSecretKey();
  const buyerPubkey = getPublicKey(buyerKey);
  const buyer = await logInWithNostrTools(buyerKey);
  say(`The buyer logged in as ${buyerPubkey} (nostr-tools).`);
  const provider = await logInWithNdk();
  say(`The provider logged in as ${provider.activeUser?.pubkey} (NDK).`);

  const handler = await publishWithNdk(provider, HANDLER, '{"name":"Capitals"}', [
    ["d", "capitals"],
    ["k", String(REQUEST)],
  ]);
  say(`The provider announced that it does jobs of kind ${REQUEST} (NIP-89).`);

  const handlers = await buyer.querySync([url], { kinds: [HANDLER], "#k": [String(REQUEST)] });
  if (!handlers.some(({ id }) => id === handler.id)) throw new Error("The buyer cannot find the announcement.");
  say("The buyer asked who does such jobs, and found the provider.");

  const text = "hello, relay";
  const request = finalizeEvent(
    { kind: REQUEST, created_at: now(), tags: [["i", text, "text"]], content: "" },
    buyerKey,
  );

  // Each inbox hears its events live, under the number of their kind.
  const providerInbox = new EventEmitter();
  provider.subscribe(
    // Not from now on: the request was signed before, maybe in the second before.
    { kinds: [REQUEST], since: request.created_at },
    { closeOnEose: false },
    { onEvent: (event) => event.id === request.id && providerInbox.emit(String(REQUEST), event) },
  );
  const buyerInbox = new EventEmitter();
  buyer.subscribe(
    [url],
    { kinds: [RESULT, FEEDBACK], "#e": [request.id] },
    { onevent: (event) => buyerInbox.emit(String(event.kind), event) },
  );

  const requestArrives = arrival(providerInbox, REQUEST);
  await Promise.all(buyer.publish([url], request));
  say(`The buyer published a job request (kind ${REQUEST}): "${text}" in capitals, please.`);
  await requestArrives;
  say("The provider received it live.");

  const about = [
    ["e", request.id],
    ["p", buyerPubkey],
  ];
  const feedbackArrives = arrival(buyerInbox, FEEDBACK);
  const feedback = await publishWithNdk(provider, FEEDBACK, "", [["status", "processing"], ...about]);
  await feedbackArrives;
  say(`The provider sent feedback (kind ${FEEDBACK}, "processing"). The buyer received it live.`);

  const resultArrives = arrival(buyerInbox, RESULT);
  const requestTag = ["request", JSON.stringify(request)];
  const result = await publishWithNdk(provider, RESULT, text.toUpperCase(), [requestTag, ...about]);
  const { content } = await resultArrives;
  say(`The provider sent the result (kind ${RESULT}). The buyer received it live: "${content}".`);

  const ids = { handler: handler.id, request: request.id, feedback: feedback.id, result: result.id };
  await findAll(buyer, ids);

  const state = join(tmpdir(), `nexus-quickstart-${request.id.slice(0, 8)}.json`);
  await writeFile(state, JSON.stringify({ buyerKey: bytesToHex(buyerKey), ids }), { mode: 0o600 });
  console.log(`
All is well. Now kill the relay (kill -9), start it again, and run:

  node examples/quickstart.mjs ${url} --check ${state}`);
}

/** Looks after a restart for what an earlier run has published. */
async function checkAfterRestart() {
  const { buyerKey, ids } = JSON.parse(await readFile(String(file), "utf8"));
  const buyer = await logInWithNostrTools(hexToBytes(buyerKey));
  say(`The buyer logged in as ${getPublicKey(hexToBytes(buyerKey))} (nostr-tools).`);
  await findAll(buyer, ids);
  console.log("\nNothing was lost.");
}

/**
 * NIP-42: the relay greets every connection with a challenge, and serves those that have signed it.
 * @param {Uint8Array} key
 */
async function logInWithNostrTools(key) {
  const pool = new SimplePool();
  /** @type {(template: import("nostr-tools/core").EventTemplate) => Promise<import("nostr-tools/core").VerifiedEvent>} */
  const sign = async (template) => finalizeEvent(template, key);
  const challenged = new Promise((resolve) => {
    pool.automaticallyAuth = () => (template) => {
      resolve(undefined);
      return sign(template);
    };
  });
  const relay = await pool.ensureRelay(url);
  await challenged;
  // Signs nothing more: waits for the login that is under way.
  await relay.auth(sign);
  return pool;
}

async function logInWithNdk() {
  const ndk = new NDK({ explicitRelayUrls: [url], enableOutboxModel: false, autoConnectUserRelays: false });
  ndk.signer = NDKPrivateKeySigner.generate();
  ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk });
  const authed = once(ndk.pool.getRelay(url, false), "authed");
  await ndk.connect();
  await authed;
  return ndk;
}

/**
 * @param {NDK} ndk
 * @param {number} kind
 * @param {string} content
 * @param {string[][]} tags
 */
async function publishWithNdk(ndk, kind, content, tags) {
  const event = new NDKEvent(ndk, { kind, content, tags });
  await event.publish();
  return event;
}

/**
 * @param {SimplePool} pool
 * @param {Record<string, string>} ids
 */
async function findAll(pool, ids) {
  const found = await pool.querySync([url], { ids: Object.values(ids) });
  const missing = Object.keys(ids).filter((name) => !found.some(({ id }) => id === ids[name]));
  if (missing.length > 0) throw new Error(`The relay no longer has the ${missing.join(" and the ")}.`);
  say("The buyer asked for everything by id, and all of it is there:");
  for (const [name, id] of Object.entries(ids)) console.log(`      ${name.padEnd(8)} ${id}`);
}

/**
 * The next event of the kind. To be called before that event is published.
 * @param {EventEmitter} inbox
 * @param {number} kind
 */
async function arrival(inbox, kind) {
  try {
    const [event] = await once(inbox, String(kind), { signal: AbortSignal.timeout(5000) });
    return event;
  } catch {
    throw new Error(`The event of kind ${kind} has not arrived within 5 seconds.`);
  }
}

/** NIP-11: the relay says what it is, also to those who have not logged in. */
async function introduceRelay() {
  const response = await fetch(url.replace(/^ws/, "http"), { headers: { Accept: "application/nostr+json" } }).catch(
    () => {
      throw new Error(`No relay answers at ${url}. Start one with "npm start".`);
    },
  );
  const relay =
    /** @type {{ name: string, supported_nips: number[], limitation?: { restricted_writes?: boolean } }} */ (
      await response.json()
    );
  console.log(`"${relay.name}" at ${url} speaks NIPs ${relay.supported_nips.join(", ")}.\n`);
  if (option !== "--check" && relay.limitation?.restricted_writes) throw new Error(MEMBERS_ONLY);
}

function now() {
  return Math.floor(Date.now() / 1000);
}

let step = 0;

/** @param {string} text */
function say(text) {
  console.log(`${String(++step).padStart(3)}. ${text}`);
}

async function main() {
  // Node 20 has no WebSocket of its own.
  globalThis.WebSocket ??= /** @type {any} */ ((await import("ws")).WebSocket);
  useWebSocketImplementation(WebSocket);
  await introduceRelay();
  await (option === "--check" ? checkAfterRestart() : doOneJob());
  // NDK has timers that would keep the process.
  process.exit(0);
}

/** @param {unknown} error */
function fail(error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

// Both libraries report a refused login in this way only.
process.on("unhandledRejection", fail);
main().catch(fail);
