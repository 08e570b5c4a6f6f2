import { checkJob } from "../../../protocol/job/job.ts";
import type { LatePolicy } from "../submission.ts";

/** R-07-05: what `DVM_VALIDATION` asks of events about jobs. */
export const job: LatePolicy = ({ event, config, find }) => checkJob(event, config.dvmValidation, find);
