import { call } from "../api/management.ts";
import { ErrorNote, Loading } from "../parts/states.tsx";
import { count } from "../parts/time.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { methods, sign } from "../session/session.ts";

/** Events that the relay counts at most. */
const MOST_COUNTED = 5000;

/** What a key has on the relay, in counts, before something is taken from it; nothing for who may not know. */
export function KeySummary({ pubkey }: { pubkey: string }) {
  return methods.value?.includes("keysummary") ? <Counts key={pubkey} pubkey={pubkey} /> : null;
}

function Counts({ pubkey }: { pubkey: string }) {
  const { value, error, reload } = useLoaded(() => call(sign, "keysummary", pubkey), [pubkey]);
  if (value === undefined) {
    return error === undefined ? (
      <Loading what="Counting what it has here" />
    ) : (
      <ErrorNote error={error} retry={reload} />
    );
  }
  const { events, connections, subscriptions, invites } = value;
  return (
    <div data-summary={pubkey}>
      It has:
      <ul>
        <li>
          {events >= MOST_COUNTED ? `${count(MOST_COUNTED)} or more events` : amount(events, "event")} stored here
        </li>
        <li>
          {amount(subscriptions, "subscription")} open on {amount(connections, "connection")}
        </li>
        <li>{amount(invites, "invite")} out</li>
      </ul>
    </div>
  );
}

function amount(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? "" : "s"}`;
}
