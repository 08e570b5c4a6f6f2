import type { Event } from "nostr-tools/pure";
import { Copy } from "../parts/copy.tsx";
import { Person } from "../parts/person.tsx";
import { bytes, Time } from "../parts/time.tsx";
import { base } from "../router.ts";
import { BanButton } from "./ban-button.tsx";

/** Characters of a content that are shown before somebody asks for all. */
const SHORT = 500;

const IS_HEX = /^[0-9a-f]{64}$/;

/** An event: who, when, what, how large; its tags linked to what they name. */
export function EventView({ event }: { event: Event }) {
  const json = JSON.stringify(event);
  return (
    <article class="event" data-event={event.id}>
      <div class="head">
        <Person pubkey={event.pubkey} />
        <a href={`${base}/explore?kinds=${event.kind}`} class="tag">
          kind {event.kind}
        </a>
        <span class="quiet">{bytes(new TextEncoder().encode(json).length)}</span>
        <Time at={event.created_at} />
      </div>
      {event.content !== "" && <Content text={event.content} />}
      <details>
        <summary>
          {event.tags.length === 0 ? "No tags" : event.tags.length === 1 ? "1 tag" : `${event.tags.length} tags`}
          {" · "}
          <Time at={event.created_at} isExact />
        </summary>
        <dl class="of-event">
          <dt>id</dt>
          <dd>
            <a href={`${base}/explore?ids=${event.id}`}>
              <code>{event.id}</code>
            </a>
          </dd>
          <dt>author</dt>
          <dd>
            <a href={`${base}/explore?authors=${event.pubkey}`}>
              <code>{event.pubkey}</code>
            </a>
          </dd>
          {event.tags.map((tag, i) => (
            <TagLine key={`${tag[0]} ${i}`} tag={tag} />
          ))}
        </dl>
        <div class="row">
          <Copy text={json} label="Copy as JSON" />
          <BanButton pubkey={event.pubkey} label="Ban the author" />
        </div>
      </details>
    </article>
  );
}

function Content({ text }: { text: string }) {
  if (text.length <= SHORT) return <p class="content">{text}</p>;
  return (
    <details class="long">
      <summary class="content">{text.slice(0, SHORT)}…</summary>
      <p class="content">{text.slice(SHORT)}</p>
    </details>
  );
}

function TagLine({ tag: [name = "", value = "", ...rest] }: { tag: readonly string[] }) {
  const to = linkOf(name, value);
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {to === undefined ? (
          <code>{value}</code>
        ) : (
          <a href={`${base}/explore?${to}`}>
            <code>{value}</code>
          </a>
        )}{" "}
        {rest
          .filter((part) => part !== "")
          .map((part, i) => (
            <code key={part + String(i)}>{part}</code>
          ))}
      </dd>
    </>
  );
}

/** The filter for what a tag names. */
function linkOf(name: string, value: string): string | undefined {
  if (IS_HEX.test(value)) return name === "p" || name === "P" ? `authors=${value}` : `ids=${value}`;
  const [kind, author, ...d] = value.split(":");
  if ((name === "a" || name === "A") && /^\d{1,5}$/.test(kind ?? "") && IS_HEX.test(author ?? "")) {
    return new URLSearchParams({ kinds: kind ?? "", authors: author ?? "", "#d": d.join(":") }).toString();
  }
  if (name === "k" && /^\d{1,5}$/.test(value)) return `kinds=${value}`;
  return name.length === 1 && value !== "" ? new URLSearchParams({ [`#${name}`]: value }).toString() : undefined;
}
