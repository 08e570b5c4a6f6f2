import type { Call } from "./method.ts";

/** Hides what is stored of a key, as {@link hide}. Its deletions, no text that anybody would miss, go at once (R-05-08). */
export function hideKey(call: Call, key: string): boolean {
  const { access, clock, eraseAt } = call;
  if (!hide(call, key)) return false;
  access.lists.put("forgetting", key, "");
  eraseAt(clock.nowSeconds());
  return true;
}

/** Hides what is stored of a key, or under an id, and has it erased after `BAN_ERASE_AFTER`. False if too much waits. */
export function hide({ access: { config, lists }, clock, eraseAt }: Call, subject: string): boolean {
  const due = clock.nowSeconds() + config.banEraseAfter;
  if (!lists.put("erasing", subject, String(due))) return false;
  eraseAt(due);
  return true;
}
