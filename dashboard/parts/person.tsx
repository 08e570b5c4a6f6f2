import { signal } from "@preact/signals";
import { npubEncode } from "nostr-tools/nip19";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { link, subscribe } from "../relay/client.ts";
import { pubkey as signedIn } from "../session/session.ts";
import { useCopy } from "./copy.tsx";

interface Profile {
  name?: string;
  picture?: string;
  /** `created_at` of the event that says so. */
  at: number;
}

/** What keys say of themselves (kind 0), as far as it was asked; at most {@link MAX_PROFILES}. */
const profiles = signal<ReadonlyMap<string, Profile>>(new Map());
const MAX_PROFILES = 5000;

/** Keys that are to be asked about next, and those that were. */
const wanted = new Set<string>();
const asked = new Set<string>();

// What one key may see another may not, and the other way round.
signedIn.subscribe(() => {
  profiles.value = new Map();
  wanted.clear();
  asked.clear();
});

/** Keys of one REQ at most. */
const MAX_ASKED = 200;

/** A key: the name and picture that it gives itself, where this relay has them. A click copies the key, or follows `to`. */
export function Person({ pubkey, hasPicture = true, to }: { pubkey: string; hasPicture?: boolean; to?: string }) {
  useEffect(() => want(pubkey), [pubkey, link.value]);
  const profile = profiles.value.get(pubkey);
  const npub = npubEncode(pubkey);
  const shortened = `${npub.slice(0, 10)}…${npub.slice(-4)}`;
  return (
    <span class="person">
      {hasPicture &&
        (profile?.picture ? (
          <img src={profile.picture} alt="" width="28" height="28" loading="lazy" referrerpolicy="no-referrer" />
        ) : (
          <span class="avatar" aria-hidden="true">
            {(profile?.name ?? npub.slice(5)).slice(0, 1).toUpperCase()}
          </span>
        ))}
      {to !== undefined && <a href={to}>{profile?.name ?? <code>{shortened}</code>}</a>}
      <CopyKey npub={npub}>{to !== undefined ? <CopyIcon /> : (profile?.name ?? <code>{shortened}</code>)}</CopyKey>
    </span>
  );
}

/** Two sheets. Not a character, since many fonts lack it. */
function CopyIcon() {
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" fill="none" stroke="currentColor" aria-hidden="true">
      <path d="M4.5 4.5h8v8h-8zM9.5 4V1.5h-8v8H4" />
    </svg>
  );
}

function CopyKey({ npub, children }: { npub: string; children: ComponentChildren }) {
  const { said, copy } = useCopy(npub);
  return (
    <button type="button" class="key" title={npub} onClick={copy}>
      {children}
      <span class="unseen"> copy {npub}</span>
      {said !== "" && <small role="status">{said}</small>}
    </button>
  );
}

/** Has profiles asked for, many at once. */
function want(pubkey: string): void {
  if (link.peek() !== "ready" || asked.has(pubkey) || asked.size > MAX_PROFILES) return;
  if (wanted.size === 0) setTimeout(askForAll, 50);
  wanted.add(pubkey);
}

function askForAll(): void {
  const authors = [...wanted].slice(0, MAX_ASKED);
  if (authors.length === 0) return;
  for (const author of authors) {
    wanted.delete(author);
    asked.add(author);
  }
  const close = subscribe([{ kinds: [0], authors, limit: MAX_ASKED }], { event: take, stored: () => close() });
  if (wanted.size > 0) setTimeout(askForAll, 50);
}

function take({ pubkey, created_at, content }: { pubkey: string; created_at: number; content: string }): void {
  const known = profiles.peek().get(pubkey);
  if (known !== undefined && known.at >= created_at) return;
  try {
    const { name, display_name, picture } = JSON.parse(content) as Record<string, unknown>;
    const called = [display_name, name].find((text) => typeof text === "string" && text.trim() !== "") as
      | string
      | undefined;
    const profile: Profile = { at: created_at };
    if (called !== undefined) profile.name = called.slice(0, 60);
    if (typeof picture === "string" && picture.startsWith("https://")) profile.picture = picture;
    profiles.value = new Map(profiles.peek()).set(pubkey, profile);
  } catch {
    // What is no JSON says nothing.
  }
}
