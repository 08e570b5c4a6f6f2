import { JOB_STATES } from "../../src/protocol/job/profile.ts";
import { type JobFilter, STATE_WORDS } from "../jobs/api.ts";
import { Jobs, Providers, Queue } from "../jobs/tables.tsx";
import { ForAdmins } from "../parts/for-admins.tsx";
import { Person } from "../parts/person.tsx";
import { Empty } from "../parts/states.tsx";
import { base, go, query } from "../router.ts";
import { methods } from "../session/session.ts";

/** What agents do here: the queue, who answers, and each job. */
export function JobsPage() {
  const filter = filterOf(query.value);
  // The list of all jobs is long; one that was asked for is wanted first.
  const isNarrow = Object.keys(filter).length > 0;
  return (
    <ForAdmins>
      <h1>Jobs</h1>
      {methods.value?.includes("listjobs") ? (
        <>
          <Queue />
          {!isNarrow && <Providers />}
          <section aria-labelledby="jobs">
            <h2 id="jobs">{filter.state === "error" ? "What fails" : "Jobs"}</h2>
            <Narrowing filter={filter} />
            <Jobs filter={filter} />
          </section>
          {isNarrow && <Providers />}
        </>
      ) : (
        <Empty>This key may not see the jobs. An operator can grant it that.</Empty>
      )}
    </ForAdmins>
  );
}

function Narrowing({ filter }: { filter: JobFilter }) {
  const { provider, customer, kind } = filter;
  const set = (change: Record<string, string>) => {
    const next = new URLSearchParams(query.value);
    for (const [name, value] of Object.entries(change)) {
      if (value === "") next.delete(name);
      else next.set(name, value);
    }
    go(`/admin/jobs?${next}`, { replace: true });
  };
  return (
    <div class="filters">
      <label>
        State
        <select value={filter.state ?? ""} onChange={(event) => set({ state: event.currentTarget.value })}>
          <option value="">any</option>
          {JOB_STATES.map((state) => (
            <option key={state} value={state}>
              {STATE_WORDS[state]}
            </option>
          ))}
        </select>
      </label>
      {(provider ?? customer) !== undefined && (
        <p>
          {provider === undefined ? "From " : "Answered by "}
          <Person pubkey={provider ?? customer ?? ""} />
        </p>
      )}
      {kind !== undefined && <p>Kind {kind}</p>}
      {(provider ?? customer ?? kind) !== undefined && (
        <p>
          <a href={`${base}/admin/jobs`}>Show all</a>
        </p>
      )}
    </div>
  );
}

function filterOf(given: URLSearchParams): JobFilter {
  const key = (name: string) => {
    const text = given.get(name) ?? "";
    return /^[0-9a-f]{64}$/.test(text) ? { [name]: text } : {};
  };
  const kind = given.get("kind") ?? "";
  const state = JOB_STATES.find((one) => one === given.get("state"));
  return {
    ...(/^\d{1,5}$/.test(kind) && { kind: Number(kind) }),
    ...(state !== undefined && { state }),
    ...key("provider"),
    ...key("customer"),
  };
}
