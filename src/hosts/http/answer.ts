import type { Running } from "../assemble.ts";
import { JOBS_PATH, jobsPage } from "./jobs.ts";
import { manage } from "./management.ts";
import { metricsPage } from "./metrics.ts";
import { plain, relayPage } from "./pages.ts";
import type { Ready } from "./readiness.ts";

/** What `/health` says then; the relay still answers, so the status stays 200. */
const STORAGE_FULL = "ok, but the storage is full: new events are refused until some are deleted";

/** What `/health/ready` says (R-08-05). */
const READY: Readonly<Record<Ready, readonly [status: number, text: string]>> = {
  ready: [200, "ok"],
  unwritable: [503, "The store cannot be written. The log says why."],
  full: [503, "The storage is full."],
};

/** Answers what `purposeOf` has let through, but for an upgrade. */
export async function answer(request: Request, running: Running): Promise<Response> {
  switch (new URL(request.url).pathname) {
    case "/health":
      return new Response(running.log.isFull() ? STORAGE_FULL : "ok", { headers: { "Content-Type": "text/plain" } });
    case "/health/ready":
      return plain(...READY[running.readiness.state()]);
    case "/metrics":
      return metricsPage(running);
    case JOBS_PATH:
      return jobsPage(request, running);
    case "/api/stats":
      return Response.json(running.statistics());
    default:
      return request.method === "POST" ? manage(request, running) : relayPage(request, running);
  }
}
