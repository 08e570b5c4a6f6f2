import { useSignal } from "@preact/signals";
import type { Event } from "nostr-tools/pure";
import { call, callAll, type ListedEvent } from "../api/management.ts";
import { Confirm } from "../parts/dialog.tsx";
import { Done, Empty, ErrorNote, Loading } from "../parts/states.tsx";
import { useAction } from "../parts/use-loaded.ts";
import { fetchEvents, link } from "../relay/client.ts";
import { methods, sign } from "../session/session.ts";
import { EventView } from "./event-view.tsx";
import { KeySummary } from "./key-summary.tsx";
import { List } from "./list.tsx";
import { bannedText } from "./member-actions.tsx";
import { pageBehind, usePaged } from "./use-paged.ts";

/** Reports of one page. */
const SIZE = 20;

/** A report with the event in question, where the key that is signed in may read it. */
type Report = ListedEvent & { readonly event: Event | undefined };

/** What members have reported, to be judged. */
export function Reports() {
  const said = useSignal("");
  const isReady = link.value === "ready";
  const paged = usePaged<Report, string>(
    async (after) => {
      const listed = await call(sign, "listeventsneedingmoderation", SIZE, after);
      const events =
        isReady && listed.length > 0 ? await fetchEvents([{ ids: listed.map(({ id }) => id), limit: SIZE }]) : [];
      const byId = new Map(events.map((event) => [event.id, event]));
      const reports = listed.map((report) => ({ ...report, event: byId.get(report.id) }));
      return pageBehind(reports, SIZE, ({ id }) => id);
    },
    [isReady],
  );
  return (
    <section aria-labelledby="reports">
      <h2 id="reports">Reports</h2>
      {said.value !== "" && <Done>{said.value}</Done>}
      <List
        paged={paged}
        empty="Nothing is reported. What members report (kind 1984) is shown here until you judge it."
      >
        {(reports) => (
          <ul class="entries">
            {reports.map((report) => (
              <ReportEntry
                key={report.id}
                report={report}
                onJudged={(text) => {
                  said.value = text;
                  paged.reload();
                }}
              />
            ))}
          </ul>
        )}
      </List>
    </section>
  );
}

function ReportEntry({ report, onJudged }: { report: Report; onJudged: (said: string) => void }) {
  const { id, reason, event } = report;
  const may = methods.value ?? [];
  const isAsking = useSignal(false);
  const allow = useAction(async () => {
    await call(sign, "allowevent", id, "reported, and fine");
    onJudged("The event stays.");
  });
  const ban = useAction(async () => {
    await call(sign, "banevent", id, reason ?? "reported");
    onJudged("The event is banned, and hidden from everybody.");
  });
  const banAuthor = useAction(async () => {
    const { hidden } = await callAll<true>(sign, "banpubkey", [event?.pubkey, reason ?? "reported"]);
    isAsking.value = false;
    onJudged(bannedText(hidden));
  });
  const error = allow.error ?? ban.error;
  return (
    <li>
      <p>
        Reported as: <strong>{reason ?? "no reason given"}</strong>
      </p>
      {event !== undefined ? (
        <EventView event={event} />
      ) : link.value === "ready" ? (
        <Empty>This key may not read the event {id}.</Empty>
      ) : (
        <Loading what="Waiting for the connection" />
      )}
      <div class="row">
        {may.includes("allowevent") && (
          <button type="button" class="secondary small" aria-busy={allow.isBusy} onClick={() => allow.run()}>
            It is fine
          </button>
        )}
        {may.includes("banevent") && (
          <button type="button" class="danger small" aria-busy={ban.isBusy} onClick={() => ban.run()}>
            Ban the event
          </button>
        )}
        {event !== undefined && may.includes("banpubkey") && (
          <button
            type="button"
            class="secondary outline small"
            onClick={() => {
              isAsking.value = true;
            }}
          >
            Ban its author…
          </button>
        )}
      </div>
      {error !== undefined && <ErrorNote error={error} />}
      {isAsking.value && (
        <Confirm
          title="Ban the author"
          button="Ban the key"
          action={banAuthor}
          onClose={() => {
            isAsking.value = false;
          }}
        >
          <p>
            The key can do nothing here any more. What it has published is hidden at once and erased later. You can lift
            the ban until then.
          </p>
          <KeySummary pubkey={event?.pubkey ?? ""} />
        </Confirm>
      )}
    </li>
  );
}
