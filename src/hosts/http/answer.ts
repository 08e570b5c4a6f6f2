import type { Running } from "../assemble.ts";
import { JOBS_PATH, jobsPage } from "./jobs.ts";
import { manage } from "./management.ts";
import { metricsPage } from "./metrics.ts";
import { plain, relayPage } from "./pages.ts";

/** What `/health` says then; the relay still answers, so the status stays 200. */
const STORAGE_FULL = "ok, but the storage is full: new events are refused until some are deleted";

/** Answers what `errandOf` has let through, but for an upgrade. */
export async function answer(request: Request, running: Running): Promise<Response> {
  switch (new URL(request.url).pathname) {
    case "/health":
      return new Response(running.log.isFull() ? STORAGE_FULL : "ok", { headers: { "Content-Type": "text/plain" } });
    case "/health/ready": {
      const refusal = running.readiness.refuse();
      return plain(refusal === undefined ? 200 : 503, refusal ?? "ok");
    }
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
