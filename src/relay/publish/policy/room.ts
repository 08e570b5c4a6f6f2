import { VANISH_KIND } from "../../../protocol/deletion.ts";
import { kindClass } from "../../../protocol/kind.ts";
import type { LatePolicy } from "../submission.ts";

/** Near the limit of the platform the relay stays readable; a request to vanish is then carried out and not kept. */
export const room: LatePolicy = ({ event: { kind }, isFull }) => {
  if (!isFull || kind === VANISH_KIND || kindClass(kind) === "ephemeral") return undefined;
  return "error: the relay's storage is full, try again later";
};
