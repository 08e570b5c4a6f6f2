import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { computed, signal } from "@preact/signals";
import type { EventTemplate, VerifiedEvent } from "nostr-tools/pure";
import { about } from "../about.ts";
import { call } from "../api/management.ts";
import { bunkerSigner, extensionSigner, keySigner, makeKey, type Signer } from "./signers.ts";

/**
 * Who is signed in. What is needed to sign in again when the page is loaded again stands in the session storage of this tab:
 * a key made or entered here, or the address of a bunker. It is gone with the tab, and is never sent anywhere.
 */
const STORE = "nexus-session";

type Stored =
  | { kind: "extension" }
  | { kind: "key"; key: string }
  | { kind: "bunker"; address: string; clientKey: string };

const signer = signal<Signer | undefined>(undefined);

/** The public key of who is signed in. */
export const pubkey = computed(() => signer.value?.pubkey);

/** How they signed in. */
export const signedInBy = computed(() => signer.value?.kind);

/** Methods of the management that they may call; empty for who is no admin, undefined while nobody knows. */
export const methods = signal<readonly string[] | undefined>(undefined);

/** Whether they may manage the relay. */
export const isAdmin = computed(() => (methods.value?.length ?? 0) > 0);

/** Whether a sign-in of before is being taken up again. */
export const isResuming = signal(false);

/** Page on which a remote signer wants the person to confirm. */
export const bunkerLink = signal<string | undefined>(undefined);

/** Signs for who is signed in. */
export async function sign(template: EventTemplate): Promise<VerifiedEvent> {
  if (signer.value === undefined) throw new Error("Sign in first.");
  return signer.value.sign(template);
}

export async function signInByExtension(): Promise<void> {
  await beginLater(extensionSigner(), { kind: "extension" });
  void refreshMethods();
}

/** Signs in with a key. Of a fresh one the relay knows nothing: it is not asked. */
export function signInByKey(secretKey: Uint8Array, { isFresh = false } = {}): void {
  begin(keySigner(secretKey), { kind: "key", key: bytesToHex(secretKey) });
  if (isFresh) methods.value = [];
  else void refreshMethods();
}

export async function signInByBunker(address: string, clientKey = makeKey()): Promise<void> {
  try {
    const opening = bunkerSigner(address, clientKey, (url) => {
      bunkerLink.value = url;
    });
    await beginLater(opening, { kind: "bunker", address, clientKey: bytesToHex(clientKey) });
    void refreshMethods();
  } finally {
    bunkerLink.value = undefined;
  }
}

export function signOut(): void {
  turn++;
  signer.value?.close();
  signer.value = undefined;
  methods.value = undefined;
  sessionStorage.removeItem(STORE);
}

/** Signs in as before the page was loaded again; whoever cannot be is signed out. */
export async function resume(): Promise<void> {
  const text = sessionStorage.getItem(STORE);
  if (text === null) return;
  isResuming.value = true;
  try {
    const stored = JSON.parse(text) as Stored;
    if (stored.kind === "key") signInByKey(hexToBytes(stored.key));
    else if (stored.kind === "extension") await signInByExtension();
    else await signInByBunker(stored.address, hexToBytes(stored.clientKey));
  } catch {
    // Not one that somebody has begun meanwhile.
    if (signer.value === undefined) sessionStorage.removeItem(STORE);
  } finally {
    isResuming.value = false;
  }
}

/** Asks the relay what the person may do. Of one that nobody operates yet nobody is an admin. */
export async function refreshMethods(): Promise<void> {
  const by = signer.value;
  if (about.value?.claimable) {
    methods.value = [];
    return;
  }
  try {
    const found = await call(sign, "supportedmethods");
    if (signer.value === by) methods.value = found;
  } catch {
    if (signer.value === by) methods.value = [];
  }
}

/** Grows with each sign-in and sign-out. */
let turn = 0;

/** Begins when the signer is there, which may take a person a minute; not if they have signed in or out otherwise since. */
async function beginLater(opening: Promise<Signer>, stored: Stored): Promise<void> {
  const mine = ++turn;
  const next = await opening;
  if (mine === turn) return begin(next, stored);
  next.close();
  throw new Error("Meanwhile another sign-in was begun.");
}

function begin(next: Signer, stored: Stored): void {
  turn++;
  signer.value?.close();
  signer.value = next;
  methods.value = undefined;
  sessionStorage.setItem(STORE, JSON.stringify(stored));
}
