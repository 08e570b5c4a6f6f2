import { VANISH_KIND } from "../../../protocol/deletion.ts";
import { checkWork } from "../../../protocol/pow.ts";
import type { Policy } from "../submission.ts";

/** R-05-27, but for requests to vanish, which are always heard (R-05-22). */
export const work: Policy = ({ event, config }) =>
  config.minPow > 0 && event.kind !== VANISH_KIND ? checkWork(event, config.minPow) : undefined;
