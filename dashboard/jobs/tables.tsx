import { JOB_STATES } from "../../src/protocol/job/profile.ts";
import { List, Table } from "../operate/list.tsx";
import { usePaged } from "../operate/use-paged.ts";
import { Person } from "../parts/person.tsx";
import { Empty, ErrorNote, Loading } from "../parts/states.tsx";
import { count, Time } from "../parts/time.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { base } from "../router.ts";
import { type JobFilter, jobSummary, listJobs, listProviders, type Provider, STATE_WORDS, seconds } from "./api.ts";

/** Rows of one page. */
const SIZE = 50;

/** How often the queue is asked for, in milliseconds. */
const QUEUE_MS = 15_000;

/** Jobs by kind and state. */
export function Queue() {
  const { value, error, reload } = useLoaded(jobSummary, [], QUEUE_MS);
  return (
    <section aria-labelledby="queue">
      <h2 id="queue">Queue</h2>
      {value === undefined && error === undefined && <Loading />}
      {error !== undefined && <ErrorNote error={error} retry={reload} />}
      {value?.length === 0 && <Empty>Nobody has asked for a job yet.</Empty>}
      {value !== undefined && value.length > 0 && (
        <Table label="Queue" columns={["Kind", "States", "Open", "Late", "Handlers", "Result: half, 95 %"]}>
          {value.map((kind) => (
            <tr key={kind.kind}>
              <td data-label="Kind">
                <a href={`${base}/admin/jobs?kind=${kind.kind}`}>{kind.kind}</a>
              </td>
              <td>
                <span class="tags">
                  {JOB_STATES.filter((state) => (kind.states[state] ?? 0) > 0).map((state) => (
                    <a
                      key={state}
                      class={`tag state-${state}`}
                      href={`${base}/admin/jobs?kind=${kind.kind}&state=${state}`}
                    >
                      {STATE_WORDS[state]} {count(kind.states[state] ?? 0)}
                    </a>
                  ))}
                </span>
              </td>
              <td data-label="Open">
                {kind.open}
                {kind.claimed > 0 && ` + ${kind.claimed} in work`}
              </td>
              <td data-label="Late">
                {kind.late}
                {kind.expiring > 0 && `, ${kind.expiring} expiring`}
              </td>
              <td data-label="Handlers">{kind.handlers}</td>
              <td data-label="Result: half, 95 %">
                {seconds(kind.result_p50)}, {seconds(kind.result_p95)}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

/** Who answers jobs, and how well. */
export function Providers() {
  const paged = usePaged<Provider, string>(async (after) => {
    const { providers, next } = await listProviders(SIZE, after);
    return { items: providers, next };
  }, []);
  return (
    <section aria-labelledby="providers">
      <h2 id="providers">Providers</h2>
      <List paged={paged} empty="Nobody has answered a job, or said that it could, yet.">
        {(providers) => (
          <Table
            label="Providers"
            columns={[
              "Provider",
              "Kind",
              "Now",
              "Done",
              "Failed",
              "Success",
              "First feedback",
              "Result: half, 95 %",
              "Last seen",
            ]}
          >
            {providers.map((one) => (
              <tr key={`${one.pubkey}:${one.kind}`} data-provider={one.pubkey}>
                <td>
                  <Person pubkey={one.pubkey} to={`${base}/admin/jobs?provider=${one.pubkey}`} />
                </td>
                <td data-label="Kind">{one.kind}</td>
                <td data-label="Now">
                  {one.listening ? "listening" : one.connected ? "connected" : "away"}
                  {one.working > 0 && `, ${one.working} in work`}
                </td>
                <td data-label="Done">{one.answered}</td>
                <td data-label="Failed">{one.failed}</td>
                <td data-label="Success">
                  {one.success_rate === null ? "–" : `${Math.round(one.success_rate * 100)} %`}
                </td>
                <td data-label="First feedback">{seconds(one.feedback_p50)}</td>
                <td data-label="Result: half, 95 %">
                  {seconds(one.result_p50)}, {seconds(one.result_p95)}
                </td>
                <td data-label="Last seen">{one.last_seen_at ? <Time at={one.last_seen_at} /> : "–"}</td>
              </tr>
            ))}
          </Table>
        )}
      </List>
    </section>
  );
}

/** Jobs of a filter, the newest first. */
export function Jobs({ filter }: { filter: JobFilter }) {
  const paged = usePaged(
    async (after: string | undefined) => {
      const { jobs, next } = await listJobs(SIZE, after, filter);
      return { items: jobs, next };
    },
    [JSON.stringify(filter)],
  );
  return (
    <List paged={paged} empty="No job is like that.">
      {(jobs) => (
        <Table label="Jobs" columns={["Job", "Kind", "State", "From", "Provider", "Asked", "Result after"]}>
          {jobs.map((job) => (
            <tr key={job.id} data-job={job.id}>
              <td data-label="Job">
                <a href={`${base}/admin/jobs/${job.id}`}>
                  <code>{job.id.slice(0, 8)}…</code>
                </a>
              </td>
              <td data-label="Kind">{job.kind}</td>
              <td data-label="State">
                <span class={`tag state-${job.state}`}>{STATE_WORDS[job.state] ?? job.state}</span>
              </td>
              <td data-label="From">
                <Person pubkey={job.customer} hasPicture={false} />
              </td>
              <td data-label="Provider">{job.provider ? <Person pubkey={job.provider} hasPicture={false} /> : "–"}</td>
              <td data-label="Asked">
                <Time at={job.created_at} />
              </td>
              <td data-label="Result after">{seconds(job.result_seconds)}</td>
            </tr>
          ))}
        </Table>
      )}
    </List>
  );
}
