import { signal } from "@preact/signals";
import type { Event, EventTemplate } from "nostr-tools/pure";
import { plainReason } from "../api/management.ts";
import { webSocketUrl } from "../api/place.ts";
import { pubkey, sign } from "../session/session.ts";

/** How the page stands with the relay. `signed-out`: nobody is signed in, and no connection is held. */
export type Link = "signed-out" | "connecting" | "ready" | "reconnecting" | "refused";

export const link = signal<Link>("signed-out");

/** Why the relay has refused the login, where it has. */
export const refusal = signal("");

/** A filter of NIP-01. */
export type Filter = Record<string, unknown>;

/** What a subscription hears. */
export interface Listener {
  /** `isLive`: it came after the stored ones. */
  event(event: Event, isLive: boolean): void;
  /** The stored events are all there; again after each reconnection. */
  stored?(): void;
  /** The relay has ended it. */
  closed?(reason: string): void;
}

interface Open {
  readonly filters: readonly Filter[];
  readonly listener: Listener;
  isLive: boolean;
}

/** The waits between attempts, in milliseconds. The last one repeats. */
const WAITS_MS = [500, 1000, 2000, 4000, 8000, 15_000];

/** How long the relay may take to answer an event, in milliseconds. */
const ANSWER_MS = 20_000;

/** How often the page asks whether the connection is still there, in milliseconds. */
const PING_MS = 25_000;

let socket: WebSocket | undefined;
let attempts = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let heardAt = 0;
let serial = 0;
/** By id. They survive the connection: each is asked again on the next. */
const subscriptions = new Map<string, Open>();
/** What waits for an OK, by event id. */
const answers = new Map<string, (isAccepted: boolean, reason: string) => void>();

/** Keeps a connection while somebody is signed in, under their key. To be called once. */
export function startLink(): void {
  pubkey.subscribe(() => {
    attempts = 0;
    drop();
    if (pubkey.peek() === undefined) link.value = "signed-out";
    else connect();
  });
  window.addEventListener("online", () => retryNow());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && link.peek() === "reconnecting") retryNow();
  });
  setInterval(() => {
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (Date.now() - heardAt > 2 * PING_MS) lost();
    else socket.send("ping");
  }, PING_MS);
}

/** Tries at once instead of waiting for the next attempt. */
export function retryNow(): void {
  if (pubkey.peek() === undefined || link.peek() === "ready") return;
  drop();
  connect();
}

/** Opens a subscription. Returns what ends it. It is asked again after each reconnection, and may then hear events again. */
export function subscribe(filters: readonly Filter[], listener: Listener): () => void {
  const id = `d${++serial}`;
  subscriptions.set(id, { filters, listener, isLive: false });
  if (link.peek() === "ready") send(["REQ", id, ...filters]);
  return () => {
    if (subscriptions.delete(id) && link.peek() === "ready") send(["CLOSE", id]);
  };
}

/** The stored events of filters. Throws with the reason if the relay refuses. */
export function fetchEvents(filters: readonly Filter[]): Promise<Event[]> {
  return new Promise((resolve, reject) => {
    const events: Event[] = [];
    const late = setTimeout(() => end(new Error("The relay does not answer.")), ANSWER_MS);
    const end = (error?: Error) => {
      clearTimeout(late);
      close();
      if (error === undefined) resolve(events);
      else reject(error);
    };
    const close = subscribe(filters, {
      event: (event) => events.push(event),
      stored: () => end(),
      closed: (reason) => end(new Error(plainReason(reason))),
    });
  });
}

/** Signs and publishes an event. Resolves to what the relay says; throws with its reason if it refuses. */
export async function publish(template: Omit<EventTemplate, "created_at">): Promise<{ event: Event; said: string }> {
  const event = await sign({ ...template, created_at: Math.floor(Date.now() / 1000) });
  await ready();
  const said = await answered(event.id, () => send(["EVENT", event]));
  return { event, said };
}

/** Resolves when the connection is open and logged in. */
export function ready(): Promise<void> {
  return new Promise((resolve, reject) => {
    let stop: (() => void) | undefined;
    const late = setTimeout(() => end(new Error("The relay cannot be reached.")), ANSWER_MS);
    const end = (error?: Error) => {
      clearTimeout(late);
      queueMicrotask(() => stop?.());
      if (error === undefined) resolve();
      else reject(error);
    };
    stop = link.subscribe((state) => {
      if (state === "ready") end();
      if (state === "refused") end(new Error(refusal.peek()));
    });
  });
}

function connect(): void {
  clearTimeout(retry);
  link.value = attempts === 0 ? "connecting" : "reconnecting";
  const opened = new WebSocket(webSocketUrl);
  socket = opened;
  heardAt = Date.now();
  opened.addEventListener("message", ({ data }) => {
    if (socket !== opened || typeof data !== "string") return;
    heardAt = Date.now();
    if (data !== "pong") hear(JSON.parse(data) as unknown[], opened);
  });
  opened.addEventListener("close", () => {
    if (socket === opened) lost();
  });
}

/** The connection is gone, and not because nobody needs it: another is tried after a while. */
function lost(): void {
  drop();
  if (link.peek() === "refused" || pubkey.peek() === undefined) return;
  link.value = "reconnecting";
  const wait = WAITS_MS[Math.min(attempts++, WAITS_MS.length - 1)] as number;
  // Not all pages at the same moment.
  retry = setTimeout(connect, wait * (0.8 + 0.4 * Math.random()));
}

/** Forgets the connection. */
function drop(): void {
  clearTimeout(retry);
  const old = socket;
  socket = undefined;
  old?.close();
  for (const open of subscriptions.values()) open.isLive = false;
  for (const answer of [...answers.values()]) answer(false, "error: the connection to the relay was lost");
}

function hear([verb, first, second, third]: unknown[], from: WebSocket): void {
  const open = subscriptions.get(first as string);
  switch (verb) {
    case "AUTH":
      return void logIn(first as string, from);
    case "OK":
      return answers.get(first as string)?.(second === true, String(third ?? ""));
    case "EVENT":
      return open?.listener.event(second as Event, open.isLive);
    case "EOSE":
      if (open === undefined) return;
      open.isLive = true;
      return open.listener.stored?.();
    case "CLOSED":
      subscriptions.delete(first as string);
      return open?.listener.closed?.(String(second ?? ""));
  }
}

async function logIn(challenge: string, from: WebSocket): Promise<void> {
  try {
    const tags = [
      ["relay", webSocketUrl],
      ["challenge", challenge],
    ];
    const event = await sign({ kind: 22242, created_at: Math.floor(Date.now() / 1000), tags, content: "" });
    if (socket !== from) return;
    await answered(event.id, () => send(["AUTH", event]));
  } catch (error) {
    if (socket !== from) return;
    refusal.value = error instanceof Error ? error.message : String(error);
    link.value = "refused";
    return drop();
  }
  attempts = 0;
  link.value = "ready";
  for (const [id, { filters }] of subscriptions) send(["REQ", id, ...filters]);
}

/** Resolves to what the OK of an event says; throws with its reason. */
function answered(id: string, act: () => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => answers.get(id)?.(false, "error: the relay does not answer"), ANSWER_MS);
    answers.set(id, (isAccepted, reason) => {
      clearTimeout(late);
      answers.delete(id);
      if (isAccepted) resolve(reason);
      else reject(new Error(plainReason(reason)));
    });
    act();
  });
}

function send(frame: readonly unknown[]): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}
