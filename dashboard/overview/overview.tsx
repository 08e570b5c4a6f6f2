import { useSignal } from "@preact/signals";
import { call } from "../api/management.ts";
import { ErrorNote, Loading } from "../parts/states.tsx";
import { bytes, count, duration, short } from "../parts/time.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { base } from "../router.ts";
import { methods, sign, signedInBy } from "../session/session.ts";
import { type Line, Plot } from "./plot.tsx";
import { numberOf, quantileOf, rateOf, type Sample, samples, takeSample } from "./samples.ts";

/** How often the page asks, in milliseconds. Where each question has to be signed elsewhere, it asks less often. */
const OWN_KEY_MS = 3000;
const OTHERS_MS = 15_000;

/** Kinds that are listed. */
const MAX_KINDS = 20;

/** What the relay does now. */
export function Overview() {
  const may = methods.value ?? [];
  return (
    <>
      {may.includes("stats") && <Numbers />}
      {may.includes("metrics") && <Plots />}
    </>
  );
}

function Numbers() {
  const { value, error, reload } = useLoaded(() => call(sign, "stats"), [], OTHERS_MS);
  if (value === undefined) return error === undefined ? <Loading /> : <ErrorNote error={error} retry={reload} />;
  const numbers: [string, string][] = [
    ["connected", count(value.connections)],
    ["logged in", count(value.authenticated_connections)],
    ["subscriptions", count(value.subscriptions)],
    ["events", count(value.events_total)],
    ["stored", bytes(value.storage_bytes ?? 0)],
  ];
  if (value.uptime_seconds !== undefined) numbers.push(["running for", duration(value.uptime_seconds)]);
  const kinds = Object.entries(value.events_by_kind).sort(([, a], [, b]) => b - a);
  const most = kinds[0]?.[1] ?? 1;
  return (
    <section aria-label="Numbers">
      {value.storage_full && <ErrorNote error="The storage is full. New events are refused until some are deleted." />}
      <dl class="numbers">
        {numbers.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {kinds.length > 0 && (
        <details>
          <summary>Events by kind</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">Kind</th>
                <th scope="col">Events</th>
                <th scope="col">
                  <span class="unseen">Share</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {kinds.slice(0, MAX_KINDS).map(([kind, events]) => (
                <tr key={kind}>
                  <td>
                    <a href={`${base}/explore?kinds=${kind}`}>{kind}</a>
                  </td>
                  <td>{count(events)}</td>
                  <td>
                    <meter value={events} max={most} aria-label={`Events of kind ${kind}`}>
                      {events}
                    </meter>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {kinds.length > MAX_KINDS && <p class="quiet">And {count(kinds.length - MAX_KINDS)} kinds more.</p>}
        </details>
      )}
    </section>
  );
}

const perSecond = (value: number) => `${value < 10 ? Number(value.toFixed(1)) : short(value)}/s`;
const milliseconds = (value: number) => `${Number((value * 1000).toFixed(value < 0.01 ? 1 : 0))} ms`;
const percent = (value: number) => `${Number((value * 100).toPrecision(2))} %`;

function Plots() {
  const isPaused = useSignal(false);
  const every = signedInBy.value === "key" ? OWN_KEY_MS : OTHERS_MS;
  const { error, reload } = useLoaded(
    async () => {
      if (!isPaused.value) await takeSample();
    },
    [every],
    every,
  );
  const taken = samples.value;
  return (
    <section aria-labelledby="live">
      <div class="head-row">
        <h2 id="live">Live</h2>
        <button
          type="button"
          class="secondary outline small"
          aria-pressed={isPaused.value}
          onClick={() => {
            isPaused.value = !isPaused.value;
          }}
        >
          {isPaused.value ? "Go on" : "Pause"}
        </button>
      </div>
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {taken.length < 2 ? error === undefined && <Loading what="Measuring" /> : <AllPlots taken={taken} />}
    </section>
  );
}

function AllPlots({ taken }: { taken: readonly Sample[] }) {
  const moments = taken.slice(1).map(({ at }) => at);
  const between = (of: (before: Sample, now: Sample) => number | null) =>
    taken.slice(1).map((now, i) => of(taken[i] as Sample, now));
  const rate = (name: string, metric: string): Line => ({
    name,
    values: between((before, now) => rateOf(metric, before, now)),
  });
  const gauge = (name: string, metric: string): Line => ({
    name,
    values: taken.slice(1).map(({ metrics }) => numberOf(metrics, metric)),
  });
  const read = (name: string, part: number): Line => ({
    name,
    values: between((before, now) => quantileOf("read_seconds", part, before, now)),
  });
  const work: Line = {
    name: "of a second",
    values: between((before, now) => rateOf("work_units_total", before, now) / 1e6),
  };
  return (
    <div class="plots">
      <Plot
        title="Events"
        moments={moments}
        show={perSecond}
        lines={[rate("published", "events_accepted_total"), rate("delivered", "events_delivered_total")]}
      />
      <Plot
        title="Reads"
        moments={moments}
        show={perSecond}
        lines={[rate("questions", "read_seconds"), rate("events", "events_answered_total")]}
      />
      <Plot
        title="Time of a read"
        moments={moments}
        show={milliseconds}
        lines={[read("half within", 0.5), read("99 % within", 0.99)]}
      />
      <Plot
        title="Connections"
        moments={moments}
        show={short}
        lines={[gauge("open", "connections"), gauge("logged in", "connections_authenticated")]}
      />
      <Plot title="Work" moments={moments} show={percent} lines={[work]} />
      <Plot
        title="Waiting"
        moments={moments}
        show={short}
        lines={[gauge("connections", "waiting_connections"), gauge("events", "waiting_events")]}
      />
      <Plot title="Storage" moments={moments} show={bytes} lines={[gauge("used", "storage_bytes")]} />
    </div>
  );
}
