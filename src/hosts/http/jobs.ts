import type { Running } from "../assemble.ts";
import { answerCalls } from "./management.ts";

/** The path of the jobs, for operators. */
export const JOBS_PATH = "/api/jobs";

/** Answers GET of `/api/jobs` (R-07-21): a page of jobs, and the numbers by kind. Never throws. */
export function jobsPage(request: Request, running: Running): Response {
  const { searchParams } = new URL(request.url);
  const given = (name: string) => searchParams.get(name) ?? undefined;
  const number = (name: string) => (given(name) === undefined ? undefined : Number(given(name)));
  const filter = {
    kind: number("kind"),
    state: given("state"),
    provider: given("provider"),
    customer: given("customer"),
  };
  const asked = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
  const calls = { listjobs: [number("limit"), given("after"), asked], jobsummary: [] };
  return answerCalls(request, running, calls, ({ listjobs, jobsummary }) => ({
    by_kind: jobsummary,
    ...(listjobs as object),
  }));
}
