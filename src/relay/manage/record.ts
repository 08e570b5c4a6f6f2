import type { Call } from "./method.ts";

/** How often the same is recorded of one caller, in seconds: what moves data takes many calls. */
const RECORD_SECONDS = 3600;

/** Whether something has not been done for so many seconds; then it counts as done now. */
export type IsDue = (what: string, seconds: number, now: number) => boolean;

/** Records that somebody moves data, once in a while. */
export function record(
  { caller, changeLog, clock, report }: Call,
  isDue: IsDue,
  method: string,
  params: unknown[],
): void {
  const [at, given] = [clock.nowSeconds(), JSON.stringify(params)];
  if (!isDue(`${caller} ${method} ${given}`, RECORD_SECONDS, at)) return;
  changeLog.record({ at, pubkey: caller, method, params: given });
  report("events moved by management", { method, by: caller, params: given }, "info");
}
