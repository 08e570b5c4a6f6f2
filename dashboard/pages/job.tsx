import { findJob, type Job, STATE_WORDS, type Step, sats, seconds } from "../jobs/api.ts";
import { ForAdmins } from "../parts/for-admins.tsx";
import { Person } from "../parts/person.tsx";
import { Empty, ErrorNote, Loading } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { base } from "../router.ts";

/** How often the history is asked for, in milliseconds. */
const HISTORY_MS = 15_000;

/** The whole history of one job. */
export function JobPage({ params }: { params: Readonly<Record<string, string>> }) {
  return (
    <ForAdmins>
      <p>
        <a href={`${base}/admin/jobs`}>All jobs</a>
      </p>
      <h1>Job</h1>
      <History id={params.id ?? ""} />
    </ForAdmins>
  );
}

function History({ id }: { id: string }) {
  const { value, error, reload } = useLoaded(() => findJob(id), [id], HISTORY_MS);
  if (error !== undefined && value === undefined) return <ErrorNote error={error} retry={reload} />;
  if (value === undefined) return <Loading what="Asking for the job" />;
  if (value === null) return <Empty>The ledger does not have this job. It may be too old, or of a private kind.</Empty>;
  return (
    <>
      <Facts job={value} />
      <ol class="timeline">
        {value.timeline.map((step) => (
          <StepLine key={step.id} step={step} since={value.created_at} />
        ))}
      </ol>
      {value.timeline.length <= 1 && <Empty>Nobody has answered it yet.</Empty>}
    </>
  );
}

function Facts({ job }: { job: Job }) {
  return (
    <dl class="facts">
      <div>
        <dt>State</dt>
        <dd>
          <span class={`tag state-${job.state}`}>{STATE_WORDS[job.state] ?? job.state}</span>
        </dd>
      </div>
      <div>
        <dt>Kind</dt>
        <dd>
          <a href={`${base}/admin/jobs?kind=${job.kind}`}>{job.kind}</a>
        </dd>
      </div>
      <div>
        <dt>First feedback, result</dt>
        <dd>
          {seconds(job.feedback_seconds)}, {seconds(job.result_seconds)}
        </dd>
      </div>
      {job.amount_msat != null && (
        <div>
          <dt>Asked for</dt>
          <dd>{sats(job.amount_msat)}</dd>
        </div>
      )}
      {job.expires_at != null && job.result_seconds == null && (
        <div>
          <dt>Expires</dt>
          <dd>
            <Time at={job.expires_at} />
          </dd>
        </div>
      )}
      <div>
        <dt>Id</dt>
        <dd>
          <a href={`${base}/explore?ids=${job.id}`}>
            <code>{job.id.slice(0, 16)}…</code>
          </a>
        </dd>
      </div>
    </dl>
  );
}

const ROLES: Readonly<Record<string, string>> = { request: "asked", result: "sent a result", feedback: "reported" };

function StepLine({ step, since }: { step: Step; since: number }) {
  const after = step.created_at - since;
  return (
    <li data-step={step.id}>
      <div class="head">
        <Person pubkey={step.pubkey} />
        <span>{ROLES[step.role] ?? step.role}</span>
        {step.status !== undefined && (
          <span class={`tag state-${step.status}`}>{STATE_WORDS[step.status] ?? step.status}</span>
        )}
        {step.amount_msat !== undefined && <span class="tag">{sats(step.amount_msat)}</span>}
        <span class="quiet">{step.role === "request" ? "" : `after ${seconds(Math.max(0, after))}`}</span>
        <Time at={step.created_at} isExact />
      </div>
      {step.extra !== undefined && <p class="content">{step.extra}</p>}
      {step.content !== "" && step.content !== step.extra && <p class="content">{step.content}</p>}
    </li>
  );
}
