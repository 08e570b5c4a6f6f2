import { useSignal } from "@preact/signals";
import { about } from "../about.ts";
import { Builder } from "../explore/builder.tsx";
import { fieldsOf, filterOf, queryOf } from "../explore/filter.ts";
import { type Explored, MAX_SHOWN, useExplored } from "../explore/use-explored.ts";
import { EventView } from "../operate/event-view.tsx";
import { CopyBox } from "../parts/copy.tsx";
import { ForSignedIn } from "../parts/for-admins.tsx";
import { Empty, ErrorNote, Loading } from "../parts/states.tsx";
import { bytes, count } from "../parts/time.tsx";
import { type Filter, link } from "../relay/client.ts";
import { go, query } from "../router.ts";

/** An ordinary client under the key that is signed in: what that key may not see is not there. */
export function ExplorePage() {
  const address = query.value.toString();
  const fields = fieldsOf(query.value);
  let filter: Filter | undefined;
  let wrong: unknown;
  try {
    filter = filterOf(fields, Number(about.value?.limitation.max_limit ?? MAX_SHOWN));
  } catch (error) {
    wrong = error;
  }
  return (
    <ForSignedIn title="Explore">
      <h1>Explore</h1>
      <p>You see what the relay shows your key, and nothing else.</p>
      <Builder key={address} fields={fields} onAsk={(next) => go(`/explore?${queryOf(next)}`)} />
      {filter === undefined ? <ErrorNote error={wrong} /> : <Found key={address} filter={filter} />}
    </ForSignedIn>
  );
}

function Found({ filter }: { filter: Filter }) {
  const isLive = useSignal(true);
  const turn = useSignal(0);
  return (
    <section class="explored" aria-label="Events">
      <label>
        <input
          type="checkbox"
          checked={isLive}
          onChange={(event) => {
            isLive.value = event.currentTarget.checked;
          }}
        />
        Show new ones as they come
      </label>
      <Events
        key={turn.value}
        filter={filter}
        isLive={isLive.value}
        again={() => {
          turn.value++;
        }}
      />
      <details>
        <summary>The filter, for a program</summary>
        <CopyBox text={JSON.stringify(filter)} what="the filter" />
      </details>
    </section>
  );
}

function Events({ filter, isLive, again }: { filter: Filter; isLive: boolean; again: () => void }) {
  const explored = useExplored(filter, isLive);
  const { events, isStored, error, hasOlder, isLoadingOlder } = explored;
  if (!isStored && events.length === 0) {
    return <Loading what={link.value === "ready" ? "Asking the relay" : "Waiting for the connection"} />;
  }
  return (
    <>
      <p role="status" class="quiet">
        <Summary explored={explored} />
      </p>
      {error !== undefined && <ErrorNote error={error} retry={again} />}
      {events.length === 0 && error === undefined && (
        <Empty>
          Nothing that this key may see is like that. {isLive ? "What comes from now on is shown here." : ""}
        </Empty>
      )}
      {events.map((event) => (
        <EventView key={event.id} event={event} />
      ))}
      {hasOlder && events.length < MAX_SHOWN && (
        <button type="button" class="secondary outline small" aria-busy={isLoadingOlder} onClick={explored.loadOlder}>
          Show older ones
        </button>
      )}
    </>
  );
}

function Summary({ explored: { events, live } }: { explored: Explored }) {
  if (events.length === 0) return null;
  const size = events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
  const one = events.length === 1 ? "1 event" : `${count(events.length)} events`;
  return (
    <>
      {one}, {bytes(size)}
      {live > 0 && `, ${count(live)} since you asked`}
      {events.length >= MAX_SHOWN && "; older ones are not shown"}
    </>
  );
}
