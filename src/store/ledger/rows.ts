import type { Evidence } from "../../protocol/job/evidence.ts";
import { PROVIDER_STATES, type ProviderState } from "../../protocol/job/profile.ts";
import { type JobEnd, type JobFacts, rankOf } from "../../protocol/job/state.ts";
import { idOfPlace, placeOf, timeOfPlace } from "../place.ts";
import { insertRows } from "../rows.ts";
import type { Row, Sql, SqlValue } from "../sql.ts";

/** A job as the ledger has it. */
export interface JobRow extends JobFacts {
  readonly id: string;
  readonly end: JobEnd;
  readonly state: ProviderState;
  readonly feedback: number | undefined;
  readonly result: number | undefined;
  readonly provider: string | undefined;
  readonly amount: number | undefined;
}

/** Evidence, and the job that it is about. */
export interface Entry {
  readonly job: string;
  readonly evidence: Evidence;
}

const ENDS: readonly JobEnd[] = ["live", "gone", "cancelled"];

export const JOB_COLUMNS = `lower(hex(j.id)), j.kind, lower(hex(j.customer)), j.made, j.deadline, j.ended, j.state, j.feedback,
  j.result, lower(hex(j.provider)), j.amount`;

/** Those of these jobs that are in the ledger, by id. Reads one row for each. */
export function readJobs(sql: Sql, ids: readonly string[]): Map<string, JobRow> {
  const query = `SELECT ${JOB_COLUMNS} FROM json_each(?1) CROSS JOIN job j ON j.id = unhex(value)`;
  return new Map(sql.all(query, JSON.stringify(ids)).map((row) => [row[0] as string, jobOf(row)]));
}

/** A job from its {@link JOB_COLUMNS}. */
export function jobOf(row: Row): JobRow {
  const [id, kind, customer, made, deadline, ended, state, feedback, result, provider, amount] = row;
  const number = (value: SqlValue | undefined) => (value === null ? undefined : (value as number));
  return {
    id: id as string,
    kind: kind as number,
    customer: customer as string,
    made: made as number,
    deadline: deadline as number,
    end: ENDS[ended as number] ?? "live",
    state: PROVIDER_STATES[state as number] ?? "requested",
    feedback: number(feedback),
    result: number(result),
    provider: provider === "" ? undefined : (provider as string),
    amount: number(amount),
  };
}

/** Whether it can still come to something. */
function isOpen(job: JobRow): boolean {
  return job.end === "live" && job.state !== "success";
}

/** Writes what a job has become: one row, and two of indexes if it is new; none if nothing has changed. */
export function writeJob(sql: Sql, before: JobRow | undefined, after: JobRow | undefined): void {
  const id = (after ?? before)?.id as string;
  if (before !== undefined && (after === undefined || !isSame(before, after, FACTS))) {
    sql.all("DELETE FROM job WHERE id = unhex(?1)", id);
  }
  if (after === undefined) return;
  const { kind, customer, made, deadline, end } = after;
  const open = isOpen(after) ? 1 : null;
  const ended = ENDS.indexOf(end);
  const derived = [after.feedback ?? null, after.result ?? null, after.provider ?? null, after.amount ?? null];
  const state = rankOf(after.state);
  if (before === undefined || !isSame(before, after, FACTS)) {
    sql.all(
      "INSERT INTO job VALUES(unhex(?1),?2,unhex(?3),?4,?5,?6,?7,?8,?9,?10,unhex(?11),?12)",
      ...[id, kind, customer, made, deadline, ended, open, state, ...derived],
    );
  } else if (before.end !== end || isOpen(before) !== isOpen(after)) {
    sql.all(
      `UPDATE job SET ended = ?2, open = ?3, state = ?4, feedback = ?5, result = ?6, provider = unhex(?7), amount = ?8
       WHERE id = unhex(?1)`,
      ...[id, ended, open, state, ...derived],
    );
  } else if (!isSame(before, after, DERIVED)) {
    // It names no column of an index, so that none is written.
    sql.all(
      "UPDATE job SET state = ?2, feedback = ?3, result = ?4, provider = unhex(?5), amount = ?6 WHERE id = unhex(?1)",
      ...[id, state, ...derived],
    );
  }
}

const FACTS = ["kind", "customer", "made", "deadline"] as const;
const DERIVED = ["state", "feedback", "result", "provider", "amount"] as const;

function isSame(a: JobRow, b: JobRow, members: readonly (keyof JobRow)[]): boolean {
  return members.every((member) => a[member] === b[member]);
}

/** Results, errors and other feedback: of each class a job counts so many of the newest and of the oldest (R-07-18). */
const CLASSES = [0, 1, 2] as const;
const EACH = 16;

/** Evidence up to which all of a job counts, whatever it is. */
export const ALL = 2 * EACH;

function classOf({ isResult, state }: Evidence): number {
  return isResult ? 0 : state === "error" ? 1 : 2;
}

const EVIDENCE = "lower(hex(place)), lower(hex(provider)), kind, class, state, lower(hex(customer)), amount";
const IN_ORDER = (of: number, order: string) =>
  `SELECT * FROM (SELECT * FROM evidence WHERE job = unhex(?1) AND class = ${of} ORDER BY place ${order} LIMIT ${EACH})`;
const SAMPLE = `SELECT ${EVIDENCE} FROM (${CLASSES.flatMap((of) => [IN_ORDER(of, "ASC"), IN_ORDER(of, "DESC")]).join(" UNION ")})`;

/** The evidence of a job that counts: all of up to {@link ALL}, 96 at most. */
export function readEvidence(sql: Sql, job: string): Evidence[] {
  const few = sql.all(`SELECT ${EVIDENCE} FROM evidence WHERE job = unhex(?1) LIMIT ${ALL + 1}`, job);
  return (few.length <= ALL ? few : sql.all(SAMPLE, job)).map(evidenceOf);
}

function evidenceOf([place, provider, kind, of, state, customer, amount]: Row): Evidence {
  return {
    id: idOfPlace(place as string),
    created_at: timeOfPlace(place as string),
    provider: provider as string,
    kind: kind as number,
    isResult: of === CLASSES[0],
    state: PROVIDER_STATES[state as number] ?? "requested",
    customer: customer === "" ? undefined : (customer as string),
    amount: amount === null ? undefined : (amount as number),
  };
}

const INSERT_EVIDENCE = { into: "OR REPLACE INTO evidence", row: "(unhex(?),?,unhex(?),unhex(?),?,?,unhex(?),?)" };

/** Writes evidence: one row for each. */
export function insertEvidence(sql: Sql, entries: readonly Entry[]): void {
  const rows = entries.map(({ job, evidence }) => [
    job,
    classOf(evidence),
    placeOf(evidence.created_at, evidence.id),
    evidence.provider,
    evidence.kind,
    rankOf(evidence.state),
    evidence.customer ?? null,
    evidence.amount ?? null,
  ]);
  insertRows(sql, INSERT_EVIDENCE, rows);
}

/** Removes evidence: one row for each. */
export function deleteEvidence(sql: Sql, entries: readonly Entry[]): void {
  for (const { job, evidence } of entries) {
    sql.all(
      "DELETE FROM evidence WHERE job = unhex(?1) AND class = ?2 AND place = unhex(?3)",
      job,
      classOf(evidence),
      placeOf(evidence.created_at, evidence.id),
    );
  }
}
