import { DELETION_KIND, VANISH_KIND } from "../../protocol/deletion.ts";
import { kindClass } from "../../protocol/kind.ts";
import type { Policy } from "../submission.ts";

/** Near the limit of the platform the relay stays readable, and what frees room still gets in. */
export const room: Policy = ({ event, isFull }) => {
  if (!isFull || kindClass(event.kind) === "ephemeral") return undefined;
  return event.kind === DELETION_KIND || event.kind === VANISH_KIND ? undefined : "error: the relay's storage is full";
};
