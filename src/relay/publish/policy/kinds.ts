import { VANISH_KIND } from "../../../protocol/deletion.ts";
import type { Policy } from "../submission.ts";

/**
 * Kinds that this relay does not take: those that management has disallowed, and with `ALLOWED_KINDS` all that neither
 * it nor management allows.
 */
export const kinds: Policy = ({ event: { kind }, access: { config, lists } }) => {
  if (kind === VANISH_KIND) return undefined;
  const subject = String(kind);
  const isTaken =
    !lists.has("disallowed-kind", subject) &&
    (config.allowedKinds.size === 0 || config.allowedKinds.has(kind) || lists.has("allowed-kind", subject));
  return isTaken ? undefined : `blocked: kind ${kind} is not taken here`;
};
